// The words of the utterance under way: those that are final, and when each was said.

import SottoDecoding

/// Collects committed words and makes a segment of them at the end.
struct Utterance {
  let vocabulary: PieceVocabulary
  /// Seconds of the stream at a row of scores: rows since an origin, which moves where the encoder starts anew.
  private var originRow = 0
  private var originTime = 0.0
  private let rowDuration: Double

  private(set) var words: [Word] = []
  /// Sums over committed tokens, for the confidence.
  private var logProbability: Float = 0
  private var tokenCount = 0
  /// The row after the last committed word.
  private var committedRow = 0
  /// Where the last word of all ended, in seconds of the stream.
  private var lastEnd = 0.0

  init(vocabulary: PieceVocabulary, rowDuration: Double) {
    self.vocabulary = vocabulary
    self.rowDuration = rowDuration
  }

  /// Rows from `row` on begin at `time`, in seconds of the stream.
  mutating func setOrigin(row: Int, time: Double) {
    (originRow, originTime) = (row, time)
    committedRow = row
  }

  func time(ofRow row: Int) -> Double { max(0, originTime + Double(row - originRow) * rowDuration) }

  var isEmpty: Bool { words.isEmpty }
  var text: String { words.map(\.text).joined(separator: " ") }

  /// Takes tokens that are final. `rows`: the row up to which their words may reach.
  mutating func commit(_ hypothesis: Hypothesis, rows: Int) {
    guard !hypothesis.tokens.isEmpty else { return }
    let aligned = vocabulary.alignedWords(hypothesis, within: committedRow..<max(rows, committedRow))
    for (index, word) in aligned.enumerated() {
      // Another hypothesis may have become the best, with the next word a little earlier.
      let start = max(time(ofRow: word.frames.lowerBound), lastEnd)
      let end = max(time(ofRow: word.frames.upperBound), start)
      lastEnd = end
      let confidence = Double(min(max(word.confidence ?? 0, 0), 1))
      if index == 0, let last = words.last, !vocabulary.beginsWord(hypothesis.tokens[0]) {
        // A word that was committed in parts, for it had no end.
        words[words.count - 1] = Word(
          text: last.text + word.text, start: last.start, end: end,
          confidence: (last.confidence * confidence).squareRoot())
      } else {
        words.append(Word(text: word.text, start: start, end: end, confidence: confidence))
      }
    }
    committedRow = aligned.last?.frames.upperBound ?? committedRow
    logProbability += hypothesis.scores.reduce(0, +)
    tokenCount += hypothesis.tokens.count
  }

  /// The start of the first word; of what is not committed yet, if there is none.
  func start(of volatile: Hypothesis) -> Double {
    words.first?.start ?? volatile.frames.first.map { time(ofRow: $0) } ?? time(ofRow: committedRow)
  }

  /// The text after the committed words.
  func volatileText(_ hypothesis: Hypothesis) -> String { vocabulary.text(hypothesis.tokens) }

  /// The utterance whose rest is the first of `readings`; nil where it has no words.
  mutating func finish(_ readings: [Hypothesis], rows: Int, alternatives: Int, withWords: Bool) -> Segment? {
    let before = (words: words.map(\.text), logProbability: logProbability, tokens: tokenCount)
    if let best = readings.first { commit(best, rows: rows) }
    defer { clear() }
    guard let first = words.first, let last = words.last else { return nil }
    var segment = Segment(
      start: first.start, end: last.end, text: text,
      confidence: probability(mean: logProbability / Float(max(tokenCount, 1))),
      words: withWords ? words : nil)
    if alternatives > 0 {
      segment.alternatives = readings.dropFirst().prefix(alternatives).map { reading in
        let sum = before.logProbability + reading.scores.reduce(0, +)
        let count = before.tokens + reading.tokens.count
        return Alternative(
          text: (before.words + [volatileText(reading)]).filter { !$0.isEmpty }.joined(separator: " "),
          confidence: probability(mean: sum / Float(max(count, 1))))
      }
    }
    return segment
  }

  private mutating func clear() {
    words = []
    logProbability = 0
    tokenCount = 0
  }
}
