// JSON lines (.jsonl): an object for each recording, on a line of its own, as soon as it is done.

import Sotto

struct JSONLines: TranscriptFormat {
  mutating func end(_ transcript: Transcript, of recording: RecordingLabel, warning: String?) -> String {
    TranscriptObject(transcript, of: recording, warning: warning).json(isIndented: false) + "\n"
  }

  mutating func partial(_ partial: PartialResult, of recording: RecordingLabel) -> String {
    PartialObject(partial, of: recording).json + "\n"
  }

  mutating func fail(_ message: String, of recording: RecordingLabel) -> String {
    TranscriptObject(error: message, of: recording).json(isIndented: false) + "\n"
  }
}
