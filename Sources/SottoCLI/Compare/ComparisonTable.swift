// Comparisons as tables: for a terminal, as Markdown, as CSV.

import Foundation
import SottoCompare

enum ComparisonTable {
  /// As many columns side by side as `width` allows; the others follow below, with the names once more.
  ///
  /// - Parameter chosen: names of columns; nil for all.
  static func text(_ comparison: Comparison, chosen: [String]?, width: Int) -> String {
    let columns = ComparisonColumn.columns(of: comparison, chosen: chosen)
    let cells = columns.map { column in
      [column.title] + comparison.rows.map { (column.cell($0) ?? "–").onOneLine }
    }
    let names = columns.indices.filter { columns[$0].isName }
    let widths = cells.map { $0.map(\.columns).max() ?? 0 }
    // Names give way where they would take more than half of it.
    let nameWidths = names.map { min(widths[$0], max(8, width / (2 * names.count) - 2)) }
    var blocks: [[Int]] = [[]]
    var used = nameWidths.reduce(0, +) + 2 * (names.count - 1)
    let start = used
    for column in columns.indices where !columns[column].isName {
      let isFull = used + 2 + widths[column] > width
      if isFull, !(blocks.last ?? []).isEmpty {
        blocks.append([])
        used = start
      }
      blocks[blocks.count - 1].append(column)
      used += 2 + widths[column]
    }
    let tables = blocks.map { block in
      (0...comparison.rows.count).map { row in
        let name = zip(names, nameWidths).map { cells[$0][row].shortened(to: $1).rightPadded(to: $1) }
        let values = block.map { cells[$0][row].leftPadded(to: widths[$0]) }
        return (name + values).joined(separator: "  ").trimmingTrailingSpaces + "\n"
      }.joined()
    }
    return heading(comparison).joined(separator: "\n") + "\n\n" + tables.joined(separator: "\n")
      + wrongWords(comparison, width: width)
  }

  private static func heading(_ comparison: Comparison) -> [String] {
    let setting = comparison.setting
    let count = "\(setting.utterances) \(setting.utterances == 1 ? "utterance" : "utterances")"
    return [
      "\(count), \(ProgressLine.clock(setting.seconds)) of audio; \(setting.machine)"
        + (setting.normalized ? "" : "; texts not normalised")
    ]
  }

  /// Words of the first condition that are most often wrong.
  private static func wrongWords(_ comparison: Comparison, width: Int) -> String {
    guard let condition = comparison.conditions.first else { return "" }
    let rows = comparison.rows.filter { $0.condition == condition && !$0.wrongWords.isEmpty }
    guard !rows.isEmpty else { return "" }
    return "\nMost often wrong (times of said)\n"
      + rows.map { row in
        let words = row.wrongWords.prefix(12).map { "\($0.word) \($0.wrong)/\($0.said)" }
        let label = row.variant.shortened(to: max(8, width / 3))
        return "\(label): \(words.joined(separator: ", "))".shortened(to: width) + "\n"
      }.joined()
  }

  static func csv(_ comparison: Comparison) -> String {
    let rows =
      [ComparisonColumn.plain.map(\.title)]
      + comparison.rows.map { row in ComparisonColumn.plain.map { $0.cell(row) ?? "" } }
    return rows.map { $0.map(quoted).joined(separator: ",") + "\r\n" }.joined()
  }

  /// As RFC 4180 wants it.
  private static func quoted(_ cell: String) -> String {
    let isPlain = !cell.contains { $0 == "," || $0 == "\"" || $0.isNewline }
    return isPlain ? cell : "\"" + cell.replacing("\"", with: "\"\"") + "\""
  }

  static func markdown(_ comparison: Comparison, chosen: [String]?) -> String {
    let columns = ComparisonColumn.columns(of: comparison, chosen: chosen)
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
    var text = line(
      columns.map { $0.title.lowercased().replacing("wer", with: "WER").replacing("cer", with: "CER") })
    text += line(columns.map { $0.isName ? "---" : "---:" })
    for row in comparison.rows {
      text += line(columns.map { ($0.cell(row) ?? "–").onOneLine.replacing("|", with: "\\|") })
    }
    text += "\n" + heading(comparison).joined(separator: "\n") + ". sotto \(comparison.setting.version):\n"
    return text + "\n    " + comparison.setting.command.onOneLine + "\n"
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
