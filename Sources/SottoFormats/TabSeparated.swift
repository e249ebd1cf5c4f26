// Tables of segments or words (.tsv), with a heading.

import Sotto

/// Columns: `file` where there are several and `channel` where channels are apart, then `start` and `end` in
/// milliseconds, and `text`. A row is a segment, or a word where words have times.
struct TabSeparated: TranscriptFormat {
  let options: FormatOptions

  init(_ options: FormatOptions) { self.options = options }

  mutating func start() -> String { row("file", "channel", ["start", "end", "text"]) }

  mutating func segment(_ segment: Segment, of recording: RecordingLabel) -> String {
    let whole = [(segment.start, segment.end, segment.text)]
    let words = segment.words?.map { ($0.start, $0.end, $0.text) } ?? []
    return (options.hasWords ? words : whole).filter { !$0.2.singleLine.isEmpty }.map { start, end, text in
      row(recording.file, recording.channel ?? "", [milliseconds(start), milliseconds(end), text])
    }.joined()
  }

  private func milliseconds(_ seconds: Double) -> String { String(Timestamp(seconds: seconds).milliseconds) }

  private func row(_ file: String, _ channel: String, _ cells: [String]) -> String {
    let label = (options.hasSeveralRecordings ? [file] : []) + (options.hasChannels ? [channel] : [])
    return (label + cells).map(\.singleLine).joined(separator: "\t") + "\n"
  }
}
