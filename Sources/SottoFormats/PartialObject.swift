// What is known of an utterance under way, as a line of JSON.

import Foundation
import Sotto

struct PartialObject: Encodable {
  var file: String
  var channel: String?
  /// Seconds of audio that had been heard.
  var time: Double
  var start: Double
  var committed: String
  var volatile: String

  init(_ partial: PartialResult, of recording: RecordingLabel) {
    file = recording.file
    channel = recording.channel
    time = TranscriptObject.rounded(partial.time, 1e3)
    start = TranscriptObject.rounded(partial.start, 1e3)
    committed = partial.committed
    volatile = partial.volatile
  }

  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // All values are strings and finite numbers, which always can be encoded.
    guard let data = try? encoder.encode(self) else { return "{}" }
    return String(decoding: data, as: UTF8.self)
  }
}
