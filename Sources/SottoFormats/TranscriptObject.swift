// A recording's result as an object of JSON, the same in `json` and `jsonl`.

import Foundation
import Sotto

/// Keys are written in alphabetical order; times in seconds to the millisecond, confidences to four decimals.
struct TranscriptObject: Encodable {
  var file: String
  var channel: String?
  var error: String?
  /// What is wrong with a recording that was recognised nevertheless.
  var warning: String?
  var duration: Double?
  var text: String?
  var segments: [SegmentObject]?
  var model: String?
  var realTimeFactor: Double?
  var encoderSeconds: Double?
  var decoderSeconds: Double?

  enum CodingKeys: String, CodingKey {
    case file, channel, error, warning, duration, text, segments, model
    case realTimeFactor = "real_time_factor"
    case encoderSeconds = "encoder_seconds"
    case decoderSeconds = "decoder_seconds"
  }

  struct SegmentObject: Encodable {
    var start: Double
    var end: Double
    var text: String
    var confidence: Double
    var words: [SegmentObject]?
    var alternatives: [AlternativeObject]?
  }

  struct AlternativeObject: Encodable {
    var text: String
    var confidence: Double
  }

  init(_ transcript: Transcript, of recording: RecordingLabel, warning: String?) {
    self.warning = warning
    file = recording.file
    channel = recording.channel
    duration = Self.rounded(transcript.duration, 1e3)
    text = transcript.text
    segments = transcript.segments.map(Self.object)
    model = transcript.model
    realTimeFactor = Self.rounded(transcript.realTimeFactor, 1e4)
    encoderSeconds = transcript.stageTimes.map { Self.rounded($0.encoder, 1e4) }
    decoderSeconds = transcript.stageTimes.map { Self.rounded($0.decoder, 1e4) }
  }

  init(error: String, of recording: RecordingLabel) {
    file = recording.file
    channel = recording.channel
    self.error = error
  }

  private static func object(_ segment: Segment) -> SegmentObject {
    SegmentObject(
      start: rounded(segment.start, 1e3), end: rounded(segment.end, 1e3), text: segment.text,
      confidence: rounded(segment.confidence, 1e4),
      words: segment.words?.map { word in
        SegmentObject(
          start: rounded(word.start, 1e3), end: rounded(word.end, 1e3), text: word.text,
          confidence: rounded(word.confidence, 1e4))
      },
      alternatives: segment.alternatives?.map {
        AlternativeObject(text: $0.text, confidence: rounded($0.confidence, 1e4))
      })
  }

  /// To the nearest of so many parts of one; JSON knows no values that are not finite, they become 0.
  static func rounded(_ value: Double, _ parts: Double) -> Double {
    let rounded = (value * parts).rounded() / parts
    return rounded.isFinite ? rounded + 0 : 0
  }

  /// One line, or indented lines.
  func json(isIndented: Bool) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if isIndented { encoder.outputFormatting.insert(.prettyPrinted) }
    // All values are strings and finite numbers, which always can be encoded.
    guard let data = try? encoder.encode(self) else { return "{}" }
    return String(decoding: data, as: UTF8.self)
  }
}
