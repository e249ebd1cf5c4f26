// Plain text: a line for each segment.

import Sotto

/// Several recordings have headings (`==> FILE <==`, as `head` writes them).
/// Partial results are lines with the time at which they were known; "|" stands before what may still change.
/// Words and further readings follow their segment as indented lines.
struct PlainText: TranscriptFormat {
  let options: FormatOptions
  private var isFirst = true

  init(_ options: FormatOptions) { self.options = options }

  mutating func begin(_ recording: RecordingLabel) -> String {
    guard options.hasSeveralRecordings else { return "" }
    defer { isFirst = false }
    return (isFirst ? "" : "\n") + "==> \(recording.file.singleLine) <==\n"
  }

  mutating func segment(_ segment: Segment, of recording: RecordingLabel) -> String {
    var lines: [String] = []
    let text = segment.text(markedFor: recording)
    if !text.isEmpty { lines.append(text) }
    for alternative in segment.alternatives ?? [] {
      lines.append("    or (\(fixed(alternative.confidence, 2))): \(alternative.text.singleLine)")
    }
    for word in segment.words ?? [] {
      let times = "\(fixed(word.start, 2)) \(fixed(word.end, 2)) \(fixed(word.confidence, 2))"
      lines.append("    \(times) \(word.text.singleLine)")
    }
    return lines.map { $0 + "\n" }.joined()
  }

  mutating func partial(_ partial: PartialResult, of recording: RecordingLabel) -> String {
    let channel = recording.channel.map { "[\($0)] " } ?? ""
    let parts = [partial.committed.singleLine, "|", partial.volatile.singleLine].filter { !$0.isEmpty }
    return "    \(fixed(partial.time, 2)) \(channel)\(parts.joined(separator: " "))\n"
  }
}

/// `value` with so many decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
  let scale = (0..<decimals).reduce(1) { product, _ in product * 10 }
  let scaled = (value * Double(scale)).rounded()
  let units = scaled.isFinite ? Int(min(max(scaled, 0), 1e15)) : 0
  let fraction = String(units % scale)
  return "\(units / scale)." + String(repeating: "0", count: decimals - fraction.count) + fraction
}
