// What recognition gives: text in segments, with times and confidences.

/// One word of a transcript. Times are seconds from the start of the recording.
public struct Word: Sendable, Hashable, Codable {
  public var text: String
  public var start: Double
  public var end: Double
  /// Probability in 0...1 that the word is right, as the model sees it.
  public var confidence: Double

  public init(text: String, start: Double, end: Double, confidence: Double) {
    self.text = text
    self.start = start
    self.end = end
    self.confidence = confidence
  }
}

/// Another reading of a segment, from the beam.
public struct Alternative: Sendable, Hashable, Codable {
  public var text: String
  public var confidence: Double

  public init(text: String, confidence: Double) {
    self.text = text
    self.confidence = confidence
  }
}

/// A stretch of speech and its text. Times are seconds from the start of the recording.
public struct Segment: Sendable, Hashable, Codable {
  public var start: Double
  public var end: Double
  public var text: String
  /// Probability in 0...1, the geometric mean over the segment's tokens.
  public var confidence: Double
  /// Present where word times were asked for.
  public var words: [Word]?
  /// Further readings, best first, without the one in `text`; present where more than one was asked for.
  public var alternatives: [Alternative]?

  public init(
    start: Double, end: Double, text: String, confidence: Double, words: [Word]? = nil,
    alternatives: [Alternative]? = nil
  ) {
    self.start = start
    self.end = end
    self.text = text
    self.confidence = confidence
    self.words = words
    self.alternatives = alternatives
  }
}

/// The recognised text of one recording.
public struct Transcript: Sendable, Hashable, Codable {
  public var segments: [Segment]
  /// Length of the recording in seconds.
  public var duration: Double
  /// Name of the model that made it.
  public var model: String
  /// Computing time divided by `duration`; 0 for an empty recording.
  public var realTimeFactor: Double
  /// Where the processor time went, for models with an attention decoder.
  public var stageTimes: StageTimes?

  public init(
    segments: [Segment], duration: Double, model: String, realTimeFactor: Double,
    stageTimes: StageTimes? = nil
  ) {
    self.segments = segments
    self.duration = duration
    self.model = model
    self.realTimeFactor = realTimeFactor
    self.stageTimes = stageTimes
  }

  /// The whole text, segments joined by spaces.
  public var text: String { segments.map(\.text).filter { !$0.isEmpty }.joined(separator: " ") }
}
