// What a program learns of live recognition: an object of JSON an event, on a line of its own.

import Foundation
import Sotto

/// An event of `sotto listen --format jsonl`. All times are seconds since the start of the capture.
public enum ListenEvent: Sendable {
  /// Of the schema; grows when the meaning of a field changes, and not when fields are added.
  public static let version = 1

  /// The model is loaded; what was said since 0 s is being recognised.
  case ready(time: Double, model: String, device: String, chunkMilliseconds: Int)
  /// The first words of an utterance.
  case speechStart(time: Double)
  case partial(PartialResult)
  /// `rule` ended it; nil where it was ended from outside.
  case final(Segment, rule: String?, time: Double)
  /// Decibels of full scale: the loudness, and the loudest sample since the last such event.
  case level(time: Double, level: Double, peak: Double)
  /// Audio was lost; `count` such losses until now.
  case overrun(time: Double, missing: Double, cause: String, count: Int)
  /// A device was `opened`, `lost` or `reopened`.
  case device(time: Double, state: String, name: String, format: String?, reason: String?)
  /// `listening` or `paused`, by a command from outside.
  case state(time: Double, state: String)

  /// One line, keys in alphabetical order.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // All values are strings and finite numbers, which always can be encoded.
    guard let data = try? encoder.encode(object) else { return "{}" }
    return String(decoding: data, as: UTF8.self)
  }

  private var object: EventObject {
    switch self {
    case .ready(let time, let model, let device, let chunk):
      var object = EventObject("ready", time)
      (object.version, object.model, object.device, object.chunk) = (Self.version, model, device, chunk)
      return object
    case .speechStart(let time): return EventObject("speech-start", time)
    case .partial(let partial):
      var object = EventObject("partial", partial.time)
      object.start = TranscriptObject.rounded(partial.start, 1e3)
      (object.committed, object.volatile) = (partial.committed, partial.volatile)
      return object
    case .final(let segment, let rule, let time):
      var object = EventObject("final", time)
      object.start = TranscriptObject.rounded(segment.start, 1e3)
      object.end = TranscriptObject.rounded(segment.end, 1e3)
      object.confidence = TranscriptObject.rounded(segment.confidence, 1e4)
      (object.text, object.rule) = (segment.text, rule ?? "none")
      object.words = segment.words?.map(EventObject.WordObject.init)
      return object
    case .level(let time, let level, let peak):
      var object = EventObject("level", time)
      object.level = TranscriptObject.rounded(level, 10)
      object.peak = TranscriptObject.rounded(peak, 10)
      return object
    case .overrun(let time, let missing, let cause, let count):
      var object = EventObject("overrun", time)
      object.missing = TranscriptObject.rounded(missing, 1e3)
      (object.cause, object.count) = (cause, count)
      return object
    case .device(let time, let state, let name, let format, let reason):
      var object = EventObject("device", time)
      (object.state, object.device, object.format, object.reason) = (state, name, format, reason)
      return object
    case .state(let time, let state):
      var object = EventObject("state", time)
      object.state = state
      return object
    }
  }
}

private struct EventObject: Encodable {
  struct WordObject: Encodable {
    var start: Double
    var end: Double
    var text: String
    var confidence: Double

    init(_ word: Word) {
      start = TranscriptObject.rounded(word.start, 1e3)
      end = TranscriptObject.rounded(word.end, 1e3)
      text = word.text
      confidence = TranscriptObject.rounded(word.confidence, 1e4)
    }
  }

  var event: String
  var time: Double
  var version: Int?
  var model: String?
  var device: String?
  var chunk: Int?
  var start: Double?
  var end: Double?
  var committed: String?
  var volatile: String?
  var text: String?
  var confidence: Double?
  var words: [WordObject]?
  var rule: String?
  var level: Double?
  var peak: Double?
  var missing: Double?
  var cause: String?
  var count: Int?
  var state: String?
  var format: String?
  var reason: String?

  init(_ event: String, _ time: Double) {
    self.event = event
    self.time = TranscriptObject.rounded(time, 1e3)
  }
}
