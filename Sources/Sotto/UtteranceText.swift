// Texts of utterances: joined, and compared word by word.

extension Segment {
  /// One segment of several in a row; nil of none, and of those without text.
  init?(joining segments: [Segment]) {
    let spoken = segments.filter { !$0.text.isEmpty }
    guard let first = spoken.first, let last = spoken.last else { return nil }
    if spoken.count == 1 {
      self = first
      return
    }
    let lengths = spoken.map { Double($0.text.utf8.count) }
    let mean = zip(spoken, lengths).reduce(0) { $0 + logarithm(max($1.0.confidence, 1e-9)) * $1.1 }
    self.init(
      start: first.start, end: last.end, text: spoken.map(\.text).joined(separator: " "),
      confidence: exponential(mean / lengths.reduce(0, +)),
      words: first.words == nil ? nil : spoken.flatMap { $0.words ?? [] })
  }
}

extension String {
  /// Whether this text begins with the words of another, whatever their case, and the spaces and marks between them.
  func beginsWithWords(of other: String) -> Bool { letters.starts(with: other.letters) }

  private var letters: String { lowercased().filter { $0.isLetter || $0.isNumber } }
}
