// SubRip subtitles (.srt): numbered cues with times to the millisecond.

import Sotto

/// A cue is a number, a line of times, the text, and an empty line. Angle brackets would be read as tags and braces as
/// commands by many players; SubRip knows no escapes for them, so they are replaced by look-alikes.
struct SubRip: TranscriptFormat {
  private var number = 0
  private var last = Timestamp(milliseconds: 0)

  mutating func segment(_ segment: Segment, of recording: RecordingLabel) -> String {
    let text = segment.text(markedFor: recording)
    guard !text.isEmpty else { return "" }
    number += 1
    let cue = Cue(segment, notBefore: last)
    last = cue.start
    return """
      \(number)
      \(cue.start.text(separator: ",")) --> \(cue.end.text(separator: ","))
      \(Self.escape(text))


      """
  }

  static func escape(_ text: String) -> String {
    String(
      text.map { character in
        switch character {
        case "<": "\u{2039}"
        case ">": "\u{203A}"
        case "{": "("
        case "}": ")"
        default: character
        }
      })
  }
}
