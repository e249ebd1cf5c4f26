// The tables of a report.

import Foundation

/// A column of the table of results: what stands above it, its value to sort by, and how it is shown.
private struct ReportColumn {
  let title: String
  let unit: String
  /// Whether the least value is the best; nil where none is.
  var isLeastBest: Bool?
  let value: (Comparison.Row) -> Double?
  let text: (Comparison.Row, Double) -> String
}

struct ReportTables {
  let comparison: Comparison

  private static func number(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }

  private static func quantiles(_ values: Quantiles?) -> String {
    guard let values else { return "–" }
    return "\(number(values.median, 2)) <small>\(number(values.p95, 2)) · \(number(values.p99, 2))</small>"
  }

  private static let columns: @Sendable () -> [ReportColumn] = {
    [
      ReportColumn(title: "WER", unit: "%", isLeastBest: true) {
        $0.wer
      } text: { row, value in
        let interval = row.werInterval.flatMap { $0.count == 2 ? $0 : nil }
        let range = interval.map { " <small>\(number($0[0] * 100, 1))–\(number($0[1] * 100, 1))</small>" }
        return number(value * 100, 1) + (range ?? "")
      },
      ReportColumn(title: "vs first", unit: "points") {
        $0.werDifference
      } text: { row, value in
        let sign = value < 0 ? "−" : "+"
        let p = row.p.map { " <small>p \($0 < 0.001 ? "&lt; 0.001" : number($0, 3))</small>" }
        return sign + number(abs(value) * 100, 1) + (p ?? "")
      },
      ReportColumn(title: "sub · del · ins", unit: "words") { row in
        row.wer.map { _ in Double(row.substitutions + row.deletions + row.insertions) }
      } text: { row, _ in
        "\(row.substitutions) · \(row.deletions) · \(row.insertions)"
      },
      ReportColumn(title: "CER", unit: "%", isLeastBest: true) {
        $0.cer
      } text: {
        number($1 * 100, 1)
      },
      ReportColumn(title: "agrees", unit: "%") {
        $0.agreement
      } text: {
        number($1 * 100, 1)
      },
      ReportColumn(title: "RTF", unit: "", isLeastBest: true) {
        $0.realTimeFactor
      } text: {
        number($1, 3)
      },
      ReportColumn(title: "CPU", unit: "s / s", isLeastBest: true) {
        $0.cpu
      } text: {
        number($1, 3)
      },
      ReportColumn(title: "load", unit: "s", isLeastBest: true) {
        $0.load
      } text: {
        number($1, 2)
      },
      ReportColumn(title: "first text", unit: "s, 50 · 95 · 99", isLeastBest: true) {
        $0.firstText?.median
      } text: { row, _ in
        quantiles(row.firstText)
      },
      ReportColumn(title: "final text", unit: "s, 50 · 95 · 99", isLeastBest: true) {
        $0.finalText?.median
      } text: { row, _ in
        quantiles(row.finalText)
      },
      ReportColumn(title: "revised", unit: "%", isLeastBest: true) {
        $0.revisions
      } text: {
        number($1 * 100, 1)
      },
      ReportColumn(title: "memory", unit: "MB", isLeastBest: true) {
        $0.peakMemory.map { Double($0) / 1e6 }
      } text: {
        number($1, 0)
      },
      ReportColumn(title: "size", unit: "MB", isLeastBest: true) {
        $0.size.map { Double($0) / 1e6 }
      } text: {
        number($1, 1)
      },
      ReportColumn(title: "bits", unit: "a weight") {
        $0.bits
      } text: {
        number($1, 2)
      },
      ReportColumn(title: "failed", unit: "") {
        $0.failed > 0 ? Double($0.failed) : nil
      } text: {
        number($1, 0)
      },
    ]
  }

  var results: String {
    let columns = Self.columns().filter { column in comparison.rows.contains { column.value($0) != nil } }
    let hasConditions = comparison.conditions.count > 1
    let names = ["variant"] + (hasConditions ? ["condition"] : [])
    var html = "<div class=\"card scroll\" tabindex=\"0\"><table class=\"results sortable\"><thead><tr>"
    for name in names {
      html += "<th class=\"name\" scope=\"col\"><button type=\"button\">\(name)</button></th>"
    }
    for column in columns {
      html +=
        "<th scope=\"col\"><button type=\"button\">\(column.title)\(column.unit.isEmpty ? "" : "<br/><small>\(column.unit)</small>")</button></th>"
    }
    html += "</tr></thead><tbody>"
    for row in comparison.rows {
      let series = comparison.variants.firstIndex(of: row.variant) ?? 0
      html +=
        "<tr><th scope=\"row\" data-value=\"\(row.variant.escaped)\"><span class=\"dot\" style=\"background:\(Chart.colour(series))\"></span>\(row.variant.escaped)</th>"
      if hasConditions {
        let place = comparison.conditions.firstIndex(of: row.condition) ?? 0
        html += "<td class=\"name\" data-value=\"\(place)\">\(row.condition.escaped)</td>"
      }
      let others = comparison.rows.filter { $0.condition == row.condition }
      for column in columns {
        guard let value = column.value(row) else {
          html += "<td data-value=\"\">–</td>"
          continue
        }
        let values = others.compactMap(column.value)
        let isBest = column.isLeastBest == true && values.count > 1 && value == values.min()
        html +=
          "<td data-value=\"\(String(format: "%.6g", value))\"\(isBest ? " class=\"best\"" : "")>\(column.text(row, value))</td>"
      }
      html += "</tr>"
    }
    return html + "</tbody></table></div>\n"
  }

  /// Words that are most often wrong, under the first condition.
  var wrongWords: String {
    guard let condition = comparison.conditions.first else { return "" }
    let rows = comparison.rows.enumerated().filter {
      $0.element.condition == condition && !$0.element.wrongWords.isEmpty
    }
    guard !rows.isEmpty else { return "" }
    var html = "<section><h2>Words most often wrong</h2><div class=\"words\">"
    for (index, row) in rows {
      html +=
        "<div class=\"card\"><h3><span class=\"dot\" style=\"background:\(Chart.colour(index))\"></span>\(row.variant.escaped)</h3><table><thead><tr><th class=\"name\">said</th><th class=\"name\">heard</th><th>wrong</th></tr></thead><tbody>"
      for word in row.wrongWords.prefix(12) {
        let heard = word.heard.map { $0.isEmpty ? "(nothing)" : $0.escaped }.joined(separator: ", ")
        html +=
          "<tr><th scope=\"row\">\(word.word.escaped)</th><td class=\"name soft\">\(heard)</td><td>\(word.wrong) of \(word.said)</td></tr>"
      }
      html += "</tbody></table></div>"
    }
    return html + "</div></section>\n"
  }
}
