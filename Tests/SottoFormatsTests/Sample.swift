// A transcript with everything that formats find hard.

import Sotto
import SottoFormats

enum Sample {
  static let label = RecordingLabel(file: "talks/a \"b\"\t1.wav")

  static let transcript = Transcript(
    segments: [
      Segment(
        start: 0, end: 2.0004, text: "Fish & <chips> {b} --> \"now\"\tor\nlater\u{2028}…",
        confidence: 0.98765,
        words: [
          Word(text: "Fish", start: 0, end: 0.5, confidence: 0.9),
          Word(text: "&", start: 0.5, end: 0.75, confidence: 0.8),
          Word(text: "<chips>", start: 0.7, end: 2.5, confidence: .nan),
        ],
        alternatives: [Alternative(text: "Fish and\nships", confidence: 0.25)]),
      Segment(start: 2.5, end: 2.5, text: "", confidence: 0),
      Segment(start: 3.1, end: 3.1, text: "Naïve 日本 👩‍👩‍👧", confidence: 1),
      // Starts before the one above it, as no recogniser should.
      Segment(start: 3, end: .infinity, text: "End.", confidence: 0.5),
      Segment(start: 362_439.9996, end: 362_440.5, text: "Late", confidence: 0.5),
    ], duration: 362_441.23456, model: "tiny.en", realTimeFactor: 0.123456,
    stageTimes: StageTimes(encoder: 1.25, decoder: 0.00004))

  /// The whole document of one recording, or of the recording and its failed twin.
  static func write(
    _ name: TranscriptFormatName, options: FormatOptions = .init(), hasFailure: Bool = false
  ) -> String {
    var writer = name.writer(options)
    var text = writer.start() + writer.begin(label)
    for segment in transcript.segments { text += writer.segment(segment, of: label) }
    text += writer.end(transcript, of: label, warning: nil)
    if hasFailure { text += writer.fail("no \"such\" file", of: RecordingLabel(file: "gone.wav")) }
    return text + writer.finish()
  }
}
