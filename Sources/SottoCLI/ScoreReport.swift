// The result of a comparison, as text and as JSON.

import Foundation
import SottoDecoding

struct ScoreReport: Encodable {
  struct Recording: Encodable {
    let name: String
    let score: WordErrorRate

    enum CodingKeys: String, CodingKey {
      case name, wer, cer, words, substitutions, deletions, insertions, alignment
    }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
      try container.encodeIfPresent(ScoreReport.rate(score.words), forKey: .wer)
      try container.encodeIfPresent(ScoreReport.rate(score.characters), forKey: .cer)
      try container.encode(score.words.referenceLength, forKey: .words)
      try container.encode(score.words.substitutions, forKey: .substitutions)
      try container.encode(score.words.deletions, forKey: .deletions)
      try container.encode(score.words.insertions, forKey: .insertions)
      try container.encode(columns.map { [$0.reference, $0.hypothesis] }, forKey: .alignment)
    }

    /// Pairs of words; a missing one is nil.
    var columns: [(reference: String?, hypothesis: String?)] {
      score.alignment.steps.map { step in
        switch step {
        case .match(let row, let column), .substitution(let row, let column):
          (score.reference[row], score.hypothesis[column])
        case .deletion(let row): (score.reference[row], nil)
        case .insertion(let column): (nil, score.hypothesis[column])
        }
      }
    }
  }

  let recordings: Int
  let words: Int
  /// Nil where the reference has no words.
  let wer: Double?
  /// The 95 % interval of the word error rate.
  let werInterval: [Double]?
  let cer: Double?
  let substitutions: Int
  let deletions: Int
  let insertions: Int
  let isNormalized: Bool
  /// In the reference only; counted as if nothing had been recognised.
  let missing: [String]
  /// In the hypothesis only; not counted.
  let extra: [String]
  let perRecording: [Recording]?

  enum CodingKeys: String, CodingKey {
    case recordings, words, wer, cer, substitutions, deletions, insertions, missing, extra
    case werInterval = "wer_interval"
    case isNormalized = "normalized"
    case perRecording = "per_recording"
  }

  init(reference: ScoreInput, hypothesis: ScoreInput, isNormalized: Bool, givesEach: Bool) {
    let names = reference.names.filter { reference.texts[$0] != nil }
    let normalizer = isNormalized ? TextNormalizer() : nil
    let scores = names.map { name in
      Recording(
        name: name,
        score: WordErrorRate(
          reference: reference.texts[name] ?? "", hypothesis: hypothesis.texts[name] ?? "",
          normalizer: normalizer))
    }
    let counts = scores.map(\.score.words)
    let total = counts.reduce(ErrorCounts(), +)
    recordings = scores.count
    words = total.referenceLength
    wer = Self.rate(total)
    werInterval = BootstrapInterval(counts).map { [Self.rounded($0.low), Self.rounded($0.high)] }
    cer = Self.rate(scores.map(\.score.characters).reduce(ErrorCounts(), +))
    substitutions = total.substitutions
    deletions = total.deletions
    insertions = total.insertions
    self.isNormalized = isNormalized
    missing = names.filter { hypothesis.texts[$0] == nil }
    extra = hypothesis.names.filter { reference.texts[$0] == nil }
    perRecording = givesEach ? scores : nil
  }

  private static func rounded(_ rate: Double) -> Double { (rate * 1e6).rounded() / 1e6 }

  private static func rate(_ counts: ErrorCounts) -> Double? {
    counts.rate.isFinite ? rounded(counts.rate) : nil
  }

  // MARK: Text

  var text: String {
    var text = (perRecording ?? []).map(Self.text).joined()
    let interval = werInterval.map {
      "  (95 % interval \(Self.percent($0.first)) to \(Self.percent($0.last)))"
    }
    let rows = [
      ("recordings", String(recordings)), ("words", String(words)),
      ("WER", Self.percent(wer) + (interval ?? "")), ("CER", Self.percent(cer)),
      ("errors", "\(substitutions) substituted, \(deletions) deleted, \(insertions) inserted"),
    ]
    for (name, value) in rows { text += name.rightPadded(to: 12) + value + "\n" }
    return text
  }

  private static func percent(_ rate: Double?) -> String {
    rate.map { String(format: "%.2f %%", $0 * 100) } ?? "undefined, for the reference has no words"
  }

  private static func text(_ recording: Recording) -> String {
    let counts = recording.score.words
    let errors = "S \(counts.substitutions)  D \(counts.deletions)  I \(counts.insertions)"
    return "\(recording.name)  WER \(counts.rate.isFinite ? percent(counts.rate) : "undefined")  \(errors)\n"
      + alignment(recording.columns) + "\n"
  }

  /// Reference above hypothesis, word above word, with errors in capitals and stars where a word is missing.
  private static func alignment(_ columns: [(reference: String?, hypothesis: String?)]) -> String {
    let width = 100
    var text = ""
    var lines = ("", "")
    for (reference, hypothesis) in columns {
      let isError = reference != hypothesis
      let size = max(reference?.columns ?? 0, hypothesis?.columns ?? 0)
      let cells = [reference, hypothesis].map { word in
        (word.map { isError ? $0.uppercased() : $0 } ?? String(repeating: "*", count: size))
          .rightPadded(to: size)
      }
      if !lines.0.isEmpty, lines.0.columns + size > width {
        text += block(lines)
        lines = ("", "")
      }
      lines.0 += " " + cells[0]
      lines.1 += " " + cells[1]
    }
    return text + (lines.0.isEmpty ? "" : block(lines))
  }

  private static func block(_ lines: (String, String)) -> String {
    func line(_ name: String, _ text: String) -> String {
      let end = text.lastIndex { $0 != " " }.map { text.index(after: $0) } ?? text.startIndex
      return "  \(name)\(text[..<end])\n"
    }
    return line("ref", lines.0) + line("hyp", lines.1)
  }
}
