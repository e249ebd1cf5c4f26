// What was measured, as it is kept.

import Sotto

/// One utterance, heard by one variant under one condition.
public struct UtteranceMeasurement: Sendable, Hashable, Codable {
  public var variant: String
  /// Tells settings and model apart: measurements of other ones are not taken over.
  public var key: String
  public var condition: String
  /// The utterance's id.
  public var utterance: String
  /// Tells what was heard apart, whatever its id.
  public var source: String
  public var text: String
  /// Why there is no text.
  public var error: String?
  public var words: [SpokenWord]
  /// Seconds of audio, of computing on the clock, and of the processors.
  public var duration: Double
  public var wall: Double
  public var cpu: Double
  /// Bytes of memory of the process, at the highest until then.
  public var peakMemory: Int?
  /// Where it was heard as if live.
  public var live: LiveMeasurement?

  public init(
    variant: String = "", key: String = "", condition: String = "", utterance: String = "",
    source: String = "", text: String = "",
    error: String? = nil, words: [SpokenWord] = [], duration: Double = 0, wall: Double = 0, cpu: Double = 0,
    live: LiveMeasurement? = nil
  ) {
    self.variant = variant
    self.key = key
    self.condition = condition
    self.utterance = utterance
    self.source = source
    self.text = text
    self.error = error
    self.words = words
    self.duration = duration
    self.wall = wall
    self.cpu = cpu
    self.live = live
  }
}

/// A word and its seconds, in short.
public struct SpokenWord: Sendable, Hashable, Codable {
  public var text: String
  public var start: Double
  public var end: Double

  public init(_ text: String, _ start: Double, _ end: Double) {
    self.text = text
    self.start = start
    self.end = end
  }

  public init(from decoder: any Decoder) throws {
    var list = try decoder.unkeyedContainer()
    text = try list.decode(String.self)
    start = try list.decode(Double.self)
    end = try list.decode(Double.self)
  }

  public func encode(to encoder: any Encoder) throws {
    var list = encoder.unkeyedContainer()
    try list.encode(text)
    try list.encode((start * 100).rounded() / 100)
    try list.encode((end * 100).rounded() / 100)
  }
}

/// What a listener in real time would have noticed.
public struct LiveMeasurement: Sendable, Hashable, Codable {
  /// Seconds from the start of speech to the first text of it, for each utterance found.
  public var first: [Double] = []
  /// Seconds from the end of speech to its final text, for each utterance found.
  public var final: [Double] = []
  /// Words that were shown and then changed or taken back.
  public var takenBack = 0
  /// Words of the final texts.
  public var words = 0

  public init() {}

  /// Of what takes whole recordings: all text is there when the recording is over and computed.
  ///
  /// - Parameters:
  ///   - duration: seconds of the recording.
  ///   - wall: seconds of computing.
  ///   - speech: where somebody speaks, in seconds.
  public init(recording duration: Double, computing wall: Double, speech: [Range<Double>]) {
    guard let start = speech.first?.lowerBound, let end = speech.last?.upperBound else { return }
    first = [duration + wall - start]
    final = [max(wall, duration + wall - end)]
  }
}

/// What was measured of the process in which a variant ran.
public struct ProcessMeasurement: Sendable, Hashable, Codable {
  public var variant: String
  public var key: String
  /// Seconds from nothing to a model that is ready.
  public var load: Double?
  /// Bytes of the model's file, and bits that a weight takes.
  public var size: Int?
  public var bits: Double?
  public var family: String?

  public init(
    variant: String = "", key: String = "", load: Double? = nil, size: Int? = nil, bits: Double? = nil,
    family: String? = nil
  ) {
    self.variant = variant
    self.key = key
    self.load = load
    self.size = size
    self.bits = bits
    self.family = family
  }
}
