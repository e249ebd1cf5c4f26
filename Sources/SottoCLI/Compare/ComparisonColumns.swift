// The values of a comparison by columns, for tables.

import Foundation
import SottoCompare

/// A column: what stands above it, and its cell for a row, nil where there is no value.
struct ComparisonColumn {
  let title: String
  /// Names a variant or a condition, so that it stands to the left of every block.
  var isName = false
  let cell: (Comparison.Row) -> String?

  init(_ title: String, isName: Bool = false, _ cell: @escaping (Comparison.Row) -> String?) {
    self.title = title
    self.isName = isName
    self.cell = cell
  }

  /// What `--columns` calls it: its first word.
  var name: String { title.prefix { $0 != " " }.lowercased() }

  static let names = all(isOnlyClean: false, hasTexts: true).map(\.name)

  /// For people: those that were chosen, names of variants and conditions before them; without a choice, those that have a value
  /// at all.
  static func columns(of comparison: Comparison, chosen: [String]? = nil) -> [ComparisonColumn] {
    let columns = all(
      isOnlyClean: comparison.conditions == [Condition.clean.label],
      hasTexts: comparison.rows.contains { $0.wer != nil })
    guard let chosen else {
      return columns.filter { column in comparison.rows.contains { column.cell($0) != nil } }
    }
    let names = columns.filter { column in
      column.isName && comparison.rows.contains { column.cell($0) != nil }
    }
    return names + chosen.flatMap { name in columns.filter { $0.name == name && !$0.isName } }
  }

  private static func all(isOnlyClean: Bool, hasTexts: Bool) -> [ComparisonColumn] {
    [
      ComparisonColumn("VARIANT", isName: true, \.variant),
      ComparisonColumn("CONDITION", isName: true) { isOnlyClean ? nil : $0.condition },
      ComparisonColumn("WER %") { row in row.wer.map { percent($0) } },
      ComparisonColumn("95 %") { row in
        row.werInterval.flatMap { $0.count == 2 ? "\(percent($0[0]))–\(percent($0[1]))" : nil }
      },
      ComparisonColumn("VS FIRST") { row in
        row.werDifference.map { ($0 < 0 ? "−" : "+") + percent(abs($0)) }
      },
      ComparisonColumn("p") { row in row.p.map { number($0, $0 < 0.0995 ? 3 : 2) } },
      ComparisonColumn("SUB") { hasTexts ? String($0.substitutions) : nil },
      ComparisonColumn("DEL") { hasTexts ? String($0.deletions) : nil },
      ComparisonColumn("INS") { hasTexts ? String($0.insertions) : nil },
      ComparisonColumn("CER %") { row in row.cer.map { percent($0) } },
      ComparisonColumn("AGREE %") { row in row.agreement.map { percent($0) } },
      ComparisonColumn("RTF") { row in row.realTimeFactor.map { number($0, 3) } },
      ComparisonColumn("CPU") { row in row.cpu.map { number($0, 3) } },
      ComparisonColumn("LOAD s") { row in row.load.map { number($0, 2) } },
      ComparisonColumn("FIRST s") { $0.firstText.map(quantiles) },
      ComparisonColumn("FINAL s") { $0.finalText.map(quantiles) },
      ComparisonColumn("REVISED %") { row in row.revisions.map { percent($0) } },
      ComparisonColumn("MEMORY MB") { row in row.peakMemory.map { number(Double($0) / 1e6, 0) } },
      ComparisonColumn("SIZE MB") { row in row.size.map { number(Double($0) / 1e6, 1) } },
      ComparisonColumn("BITS") { row in row.bits.map { number($0, 2) } },
      ComparisonColumn("FAILED") { $0.failed > 0 ? String($0.failed) : nil },
    ]
  }

  /// For programs: all of them, plain numbers.
  static var plain: [ComparisonColumn] {
    [
      ComparisonColumn("variant", \.variant), ComparisonColumn("condition", \.condition),
      ComparisonColumn("family", \.family), ComparisonColumn("utterances") { String($0.utterances) },
      ComparisonColumn("failed") { String($0.failed) }, ComparisonColumn("words") { String($0.words) },
      ComparisonColumn("wer") { $0.wer.map(plain) },
      ComparisonColumn("wer_low") { $0.werInterval?.first.map(plain) },
      ComparisonColumn("wer_high") { $0.werInterval?.last.map(plain) },
      ComparisonColumn("cer") { $0.cer.map(plain) },
      ComparisonColumn("substitutions") { String($0.substitutions) },
      ComparisonColumn("deletions") { String($0.deletions) },
      ComparisonColumn("insertions") { String($0.insertions) },
      ComparisonColumn("wer_difference") { $0.werDifference.map(plain) },
      ComparisonColumn("wer_difference_low") { $0.werDifferenceInterval?.first.map(plain) },
      ComparisonColumn("wer_difference_high") { $0.werDifferenceInterval?.last.map(plain) },
      ComparisonColumn("p") { $0.p.map(plain) }, ComparisonColumn("agreement") { $0.agreement.map(plain) },
      ComparisonColumn("real_time_factor") { $0.realTimeFactor.map(plain) },
      ComparisonColumn("cpu") { $0.cpu.map(plain) }, ComparisonColumn("load") { $0.load.map(plain) },
      ComparisonColumn("first_median") { $0.firstText.map { plain($0.median) } },
      ComparisonColumn("first_95") { $0.firstText.map { plain($0.p95) } },
      ComparisonColumn("first_99") { $0.firstText.map { plain($0.p99) } },
      ComparisonColumn("final_median") { $0.finalText.map { plain($0.median) } },
      ComparisonColumn("final_95") { $0.finalText.map { plain($0.p95) } },
      ComparisonColumn("final_99") { $0.finalText.map { plain($0.p99) } },
      ComparisonColumn("revisions") { $0.revisions.map(plain) },
      ComparisonColumn("peak_memory") { $0.peakMemory.map(String.init) },
      ComparisonColumn("size") { $0.size.map(String.init) }, ComparisonColumn("bits") { $0.bits.map(plain) },
    ]
  }

  private static func percent(_ share: Double) -> String { number(share * 100, 1) }
  private static func number(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }
  private static func plain(_ value: Double) -> String { String(format: "%.6g", value) }
  private static func quantiles(_ values: Quantiles) -> String {
    [values.median, values.p95, values.p99].map { number($0, 2) }.joined(separator: "/")
  }
}
