// Real time without waiting for it: the clock of the audio, and the time that computing takes, as measured.

/// A listener for whom each piece of audio is there when it ends. A piece is taken when it is there and the one before is done;
/// what it takes to compute passes on the listener's clock. Text appears when the work that tells it has come so far.
///
/// Latencies refer to where speech begins and ends in the audio, which the caller knows, not to what the recogniser believes.
public final class SimulatedListening {
  public private(set) var result = LiveMeasurement()
  /// The last final text has come, and nothing has been shown since.
  public private(set) var isSettled = true

  private let speech: [Range<Double>]
  private let now: () -> Double
  /// The moment on the listener's clock at which all work so far is done.
  private var free = 0.0
  /// The piece under way: when it was begun on both clocks, and the audio heard with it.
  private var began = (listener: 0.0, measured: 0.0)
  private var heard = 0.0
  /// Up to here the audio's text is final.
  private var finalUntil = 0.0
  private var shown: [String] = []
  private var hasText = false

  /// - Parameters:
  ///   - speech: where somebody speaks, in seconds, in order.
  ///   - now: a clock that measures work, in seconds.
  public init(speech: [Range<Double>], now: @escaping () -> Double) {
    self.speech = speech
    self.now = now
  }

  /// Does the work for audio that is complete at `available` seconds.
  public func take(until available: Double, _ work: () throws -> Void) rethrows {
    heard = available
    began = (max(available, free), now())
    defer { free = moment }
    try work()
  }

  /// Seconds by which work is behind audio that is complete at `available`.
  public func lag(at available: Double) -> Double { max(0, free - available) }

  private var moment: Double { began.listener + (now() - began.measured) }

  /// Text of the utterance under way; to be called from within the work.
  public func partial(_ text: String) {
    let words = Self.words(text)
    if !words.isEmpty { noteFirst() }
    show(words)
    isSettled = words.isEmpty
  }

  /// - Parameter end: seconds at which its last word ends, as the recogniser believes: tells which stretch of speech it is of.
  public func final(_ text: String, end: Double?) {
    let words = Self.words(text)
    if !words.isEmpty { noteFirst() }
    show(words)
    let spokenEnd = endOfSpeech(near: end ?? heard)
    if !words.isEmpty { result.final.append(max(0, moment - spokenEnd)) }
    result.words += words.count
    finalUntil = max(finalUntil, spokenEnd)
    shown = []
    hasText = false
    isSettled = true
  }

  /// Without case and marks: these change without anybody minding.
  private static func words(_ text: String) -> [String] {
    text.lowercased().split(whereSeparator: \.isWhitespace)
      .map { $0.filter { $0.isLetter || $0.isNumber } }.filter { !$0.isEmpty }
  }

  private func show(_ words: [String]) {
    let same = zip(shown, words).prefix { $0 == $1 }.count
    result.takenBack += shown.count - same
    shown = words
  }

  private func noteFirst() {
    guard !hasText else { return }
    hasText = true
    guard let stretch = speech.first(where: { $0.upperBound > finalUntil + 0.05 }) else { return }
    result.first.append(max(0, moment - max(stretch.lowerBound, finalUntil)))
  }

  /// The end of a stretch that has been heard, or as much of it as has been heard, nearest to `time`.
  private func endOfSpeech(near time: Double) -> Double {
    let ends = speech.filter { $0.lowerBound < heard }.map { min($0.upperBound, heard) }
    return ends.min { abs($0 - time) < abs($1 - time) } ?? heard
  }
}
