// WebVTT subtitles (.vtt), https://www.w3.org/TR/webvtt1/.

import Sotto

/// Where words have times, they stand in the cue as timestamp tags, which players use to show them one by one.
struct WebVTT: TranscriptFormat {
  private var last = Timestamp(milliseconds: 0)

  mutating func start() -> String { "WEBVTT\n\n" }

  mutating func segment(_ segment: Segment, of recording: RecordingLabel) -> String {
    guard !segment.text.singleLine.isEmpty else { return "" }
    let cue = Cue(segment, notBefore: last)
    last = cue.start
    let mark = recording.channel.map { "[\($0)] " } ?? ""
    return """
      \(cue.start.text(separator: ".")) --> \(cue.end.text(separator: "."))
      \(Self.escape(mark) + payload(segment, cue))


      """
  }

  private func payload(_ segment: Segment, _ cue: Cue) -> String {
    guard let words = segment.words, !words.isEmpty else { return Self.escape(segment.text.singleLine) }
    var last = cue.start
    return words.map { word in
      let start = Timestamp(seconds: word.start)
      let text = Self.escape(word.text.singleLine)
      // Tags have to rise, strictly within the cue.
      guard start > last, start < cue.end else { return text }
      last = start
      return "<\(start.text(separator: "."))>\(text)"
    }.joined(separator: " ")
  }

  static func escape(_ text: String) -> String {
    text.map { character in
      switch character {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      default: String(character)
      }
    }.joined()
  }
}
