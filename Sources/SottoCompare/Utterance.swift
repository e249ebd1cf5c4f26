// One piece of speech that the variants are compared on.

/// A recording, or a part of one, and what was said in it.
public struct Utterance: Sendable, Hashable, Codable {
  /// Tells it from the others of the corpus.
  public var id: String
  /// Path of the recording.
  public var audio: String
  /// What was said; nil where nobody knows.
  public var text: String?
  /// Seconds of the recording that belong to it; nil for all of it.
  public var part: Range<Double>?
  /// Seconds; 0 where the length is not known before reading.
  public var duration: Double

  public init(
    id: String, audio: String, text: String? = nil, part: Range<Double>? = nil, duration: Double = 0
  ) {
    self.id = id
    self.audio = audio
    self.text = text
    self.part = part
    self.duration = duration
  }
}
