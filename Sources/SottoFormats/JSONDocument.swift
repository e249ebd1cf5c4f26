// One JSON document (.json): an object for a recording, an array of them for several or for channels.

import Sotto

struct JSONDocument: TranscriptFormat {
  private let isArray: Bool
  private var isFirst = true

  init(_ options: FormatOptions) { isArray = options.hasSeveralRecordings || options.hasChannels }

  mutating func start() -> String { isArray ? "[" : "" }

  mutating func end(_ transcript: Transcript, of recording: RecordingLabel, warning: String?) -> String {
    element(TranscriptObject(transcript, of: recording, warning: warning))
  }

  mutating func fail(_ message: String, of recording: RecordingLabel) -> String {
    element(TranscriptObject(error: message, of: recording))
  }

  mutating func finish() -> String { isArray ? "\n]\n" : "" }

  private mutating func element(_ object: TranscriptObject) -> String {
    defer { isFirst = false }
    let text = object.json(isIndented: true)
    return isArray ? (isFirst ? "\n" : ",\n") + text : text + "\n"
  }
}
