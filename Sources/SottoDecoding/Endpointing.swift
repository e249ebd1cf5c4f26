// When an utterance is over.

/// Rules that end an utterance, as Kaldi's (`online-endpoint.h`): each has a name, and any of them is enough.
///
/// A value that is fed with what each stretch of audio was, and says when a rule applies.
public struct Endpointing: Sendable, Hashable {
  public enum Rule: String, Sendable, Hashable, Codable, CaseIterable {
    /// Something was said, and then nothing for long enough.
    case silenceAfterSpeech
    /// Nothing was said at all.
    case silenceWithoutSpeech
    /// The utterance is long, so that a short pause ends it.
    case pauseInLongUtterance
    /// The utterance is too long, pause or not.
    case longestUtterance
  }

  /// All times in seconds; nil turns a rule off.
  public struct Configuration: Sendable, Hashable, Codable {
    public var silenceAfterSpeech: Double?
    public var silenceWithoutSpeech: Double?
    /// From this length on `shortPause` is enough.
    public var longUtterance: Double?
    public var shortPause: Double
    public var longestUtterance: Double?

    public init(
      silenceAfterSpeech: Double? = 0.7, silenceWithoutSpeech: Double? = 5, longUtterance: Double? = 15,
      shortPause: Double = 0.3, longestUtterance: Double? = 30
    ) {
      self.silenceAfterSpeech = silenceAfterSpeech
      self.silenceWithoutSpeech = silenceWithoutSpeech
      self.longUtterance = longUtterance
      self.shortPause = shortPause
      self.longestUtterance = longestUtterance
    }

    /// For commands and quick exchanges.
    public static let fast = Configuration(silenceAfterSpeech: 0.4, longUtterance: 8, shortPause: 0.24)
    /// For most dictation.
    public static let balanced = Configuration()
    /// For those who think between words.
    public static let patient = Configuration(
      silenceAfterSpeech: 1.5, silenceWithoutSpeech: 10, longUtterance: 20, shortPause: 0.5)

    /// The rule that applies to an utterance of `length` seconds that ends in `silence` seconds without speech.
    public func rule(hasSpeech: Bool, silence: Double, length: Double) -> Rule? {
      // Sums of frame lengths may miss a limit by rounding.
      func reaches(_ value: Double, _ limit: Double?) -> Bool { limit.map { value >= $0 - 1e-6 } ?? false }
      if !hasSpeech { return reaches(length, silenceWithoutSpeech) ? .silenceWithoutSpeech : nil }
      if reaches(silence, silenceAfterSpeech) { return .silenceAfterSpeech }
      if reaches(length, longUtterance), reaches(silence, shortPause) { return .pauseInLongUtterance }
      return reaches(length, longestUtterance) ? .longestUtterance : nil
    }
  }

  /// Presets by name.
  public enum Preset: String, Sendable, Hashable, Codable, CaseIterable {
    case fast, balanced, patient

    public var configuration: Configuration {
      switch self {
      case .fast: .fast
      case .balanced: .balanced
      case .patient: .patient
      }
    }
  }

  public var configuration: Configuration
  /// Seconds of the utterance so far.
  public private(set) var length = 0.0
  /// Seconds without speech at its end.
  public private(set) var silence = 0.0
  public private(set) var hasSpeech = false

  public init(_ configuration: Configuration = .balanced) { self.configuration = configuration }

  /// The rule that applies now.
  public var rule: Rule? { configuration.rule(hasSpeech: hasSpeech, silence: silence, length: length) }

  /// Takes the next `seconds` of audio, all speech or none of it; the rule that applies after them.
  @discardableResult public mutating func observe(isSpeech: Bool, seconds: Double) -> Rule? {
    let seconds = seconds > 0 && seconds.isFinite ? seconds : 0
    length += seconds
    hasSpeech = hasSpeech || isSpeech
    silence = isSpeech ? 0 : silence + seconds
    return rule
  }

  /// Takes the state of a search instead, which knows whether something was said.
  ///
  /// - Parameters:
  ///   - silentFrames: frames of silence since the last token; nil where nothing was said.
  ///   - seconds: length of the utterance.
  ///   - frameDuration: seconds a frame.
  @discardableResult public mutating func observe(
    silentFrames: Int?, length seconds: Double, frameDuration: Double
  ) -> Rule? {
    length = seconds > 0 && seconds.isFinite ? seconds : 0
    hasSpeech = silentFrames != nil
    silence = silentFrames.map { Double($0) * frameDuration } ?? length
    return rule
  }

  /// Begins the next utterance.
  public mutating func reset() { self = Endpointing(configuration) }
}
