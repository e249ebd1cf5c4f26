// Plain text: a line for each segment.

import Sotto

/// Several recordings have headings (`==> FILE <==`, as `head` writes them).
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
}

/// `value` with so many decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
  let scale = (0..<decimals).reduce(1) { product, _ in product * 10 }
  let scaled = (value * Double(scale)).rounded()
  let units = scaled.isFinite ? Int(min(max(scaled, 0), 1e15)) : 0
  let fraction = String(units % scale)
  return "\(units / scale)." + String(repeating: "0", count: decimals - fraction.count) + fraction
}
