// The charts of a report.

import Foundation

/// Draws the rows of a comparison. Series have the colours of their variants everywhere.
struct Charts {
  let comparison: Comparison
  /// Latencies of each variant, in seconds, sorted.
  let latencies: [(first: [Double], final: [Double])]

  private var variants: [String] { comparison.variants }
  private var condition: String { comparison.conditions.first ?? "" }

  /// Figures, as many as there is something to show.
  var html: String {
    let figures = [
      scatter(
        "Accuracy against size", x: { $0.size.map { Double($0) / 1e6 } }, title: "size of the model, MB"),
      scatter(
        "Accuracy against speed", x: { $0.cpu }, title: "CPU seconds for a second of audio"),
      latency, robustness,
    ].compactMap { $0 }
    return figures.isEmpty
      ? "" : "<section><h2>Charts</h2><div class=\"charts\">\(figures.joined())</div></section>\n"
  }

  private func figure(_ title: String, _ note: String, _ svg: String, legend: String = "") -> String {
    "<figure class=\"card\"><h3>\(title.escaped)</h3><p class=\"soft small\">\(note.escaped)</p>\(svg)\(legend)</figure>"
  }

  private func legend(_ names: [(series: Int, name: String)]) -> String {
    let items = names.map {
      "<li><span class=\"dot\" style=\"background:\(Chart.colour($0.series))\"></span>\($0.name.escaped)</li>"
    }
    return "<ul class=\"legend\">\(items.joined())</ul>"
  }

  private func percent(_ share: Double) -> String { String(format: "%.1f", share * 100) }

  // MARK: Accuracy

  private func scatter(_ name: String, x value: (Comparison.Row) -> Double?, title: String) -> String? {
    let points = variants.enumerated().compactMap { index, variant in
      comparison.row(variant, condition).flatMap { row -> (Int, Comparison.Row, Double, Double)? in
        guard let wer = row.wer, let x = value(row) else { return nil }
        return (index, row, x, wer * 100)
      }
    }
    guard !points.isEmpty else { return nil }
    var chart = Chart()
    let highs = points.map { max($0.3, ($0.1.werInterval?.last ?? 0) * 100) }
    let x = Scale(points.map { $0.2 * 1.05 }, to: (Chart.left, Chart.right))
    let y = Scale(highs, to: (chart.bottom, Chart.top))
    chart.axes(x: x, xTitle: title, y: y, yTitle: "word error rate, %")
    for (index, row, place, _) in points {
      guard let interval = row.werInterval, interval.count == 2 else { continue }
      chart.line(
        x(place), y(interval[0] * 100), x(place), y(interval[1] * 100), class: "range", stroke: index)
    }
    var taken: [(x: ClosedRange<Double>, y: Double)] = []
    for (index, row, place, wer) in points.sorted(by: { $0.3 < $1.3 }) {
      let label = row.variant.count > 30 ? String(row.variant.prefix(29)) + "…" : row.variant
      chart.mark(
        x(place), y(wer), index,
        title: "\(row.variant): \(percent(row.wer ?? 0)) % at \(String(format: "%.3g", place))")
      let width = Double(label.count) * 7.2
      let isRight = x(place) + 12 + width <= Chart.width
      let span =
        isRight ? (x(place) + 12)...(x(place) + 12 + width) : (x(place) - 12 - width)...(x(place) - 12)
      // Labels make room for each other upwards, then downwards.
      let heights = [0, -16, 16, -32, 32, -48, 48].map { y(wer) + 4 + $0 }
      let height =
        heights.first { height in
          height > 10 && !taken.contains { $0.x.overlaps(span) && abs($0.y - height) < 15 }
        } ?? y(wer) + 4
      taken.append((span, height))
      chart.text(
        label, isRight ? span.lowerBound : span.upperBound, height, anchor: isRight ? "start" : "end",
        class: "label")
    }
    return figure(name, "Lower and further left is better. Lines: 95 % intervals.", chart.svg(name))
  }

  // MARK: Latency

  private var latency: String? {
    let live = latencies.indices.filter { !latencies[$0].final.isEmpty || !latencies[$0].first.isEmpty }
    guard !live.isEmpty else { return nil }
    var chart = Chart()
    let last = live.map { index in
      max(
        Quantiles(latencies[index].first)?.p99 ?? 0, Quantiles(latencies[index].final)?.p99 ?? 0)
    }
    let x = Scale(last, to: (Chart.left, Chart.right))
    let y = Scale([100], to: (chart.bottom, Chart.top), ticks: 4)
    chart.axes(x: x, xTitle: "seconds", y: y, yTitle: "% of utterances, at most so late")
    for index in live {
      for (values, isDashed) in [(latencies[index].first, true), (latencies[index].final, false)] {
        var points: [(Double, Double)] = values.isEmpty ? [] : [(x(0), y(0))]
        // A step a value; of thousands a few hundred are enough.
        let stride = max(1, values.count / 200)
        for place in Swift.stride(from: 0, to: values.count, by: stride)
        where values[place] <= x.domain.upperBound {
          points.append((x(values[place]), points.last?.1 ?? y(0)))
          points.append(
            (x(values[place]), y(100 * Double(min(place + stride, values.count)) / Double(values.count))))
        }
        chart.curve(points, index, isDashed: isDashed)
      }
    }
    return figure(
      "Latency", "Dashed: from the start of speech to its first text. Solid: from its end to the final text.",
      chart.svg("Distributions of latency"), legend: legend(live.map { ($0, variants[$0]) }))
  }

  // MARK: Robustness

  private var robustness: String? {
    let conditions = comparison.conditions
    guard conditions.count > 1 else { return nil }
    let values = comparison.rows.compactMap { row in row.wer.map { max($0, row.werInterval?.last ?? 0) * 100 }
    }
    guard !values.isEmpty else { return nil }
    var chart = Chart(bottom: 230)
    let y = Scale(values.map { min($0, 120) }, to: (chart.bottom, Chart.top))
    chart.axes(x: nil, xTitle: "", y: y, yTitle: "word error rate, %")
    let step = (Chart.right - Chart.left) / Double(conditions.count)
    func place(_ index: Int) -> Double { Chart.left + (Double(index) + 0.5) * step }
    for (index, name) in conditions.enumerated() {
      let (x, height) = (Chart.number(place(index) + 4), Chart.number(chart.bottom + 16))
      chart.add(
        "<text x=\"\(x)\" y=\"\(height)\" text-anchor=\"end\" transform=\"rotate(-35 \(x) \(height))\">\(name.escaped)</text>"
      )
    }
    for (series, variant) in variants.enumerated() {
      let shift =
        (Double(series) - Double(variants.count - 1) / 2) * min(9, step / Double(variants.count + 1))
      var run: [(Double, Double)] = []
      var family = ""
      for (index, condition) in conditions.enumerated() {
        guard let row = comparison.row(variant, condition), let wer = row.wer else { continue }
        let point = (place(index) + shift, y(wer * 100))
        let word = condition.split(separator: " ").first.map(String.init) ?? ""
        if word != family {
          chart.curve(run, series)
          run = []
          family = word
        }
        run.append(point)
        if let interval = row.werInterval, interval.count == 2 {
          chart.line(
            point.0, y(interval[0] * 100), point.0, y(interval[1] * 100), class: "range", stroke: series)
        }
        chart.mark(point.0, point.1, series, title: "\(variant), \(condition): \(percent(wer)) %")
      }
      chart.curve(run, series)
    }
    return figure(
      "Robustness", "The same recordings under each condition. Lines: 95 % intervals.",
      chart.svg("Word error rates under each condition"),
      legend: legend(variants.enumerated().map { ($0.offset, $0.element) }))
  }
}
