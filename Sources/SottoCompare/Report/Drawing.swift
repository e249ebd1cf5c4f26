// Charts as SVG: axes, scales, and text that is safe within a page.

import Foundation

extension String {
  /// As text or as a value of an attribute.
  var escaped: String {
    var result = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      // XML has no other control characters.
      case "\u{0}"..."\u{8}", "\u{B}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

/// A linear scale with ticks at round numbers.
struct Scale {
  let domain: ClosedRange<Double>
  let range: (from: Double, to: Double)
  let step: Double

  /// From 0, or from the first tick below the values, to the first tick above them.
  init(_ values: [Double], to range: (from: Double, to: Double), startsAtZero: Bool = true, ticks: Int = 5) {
    let values = values.filter(\.isFinite)
    let low = startsAtZero ? 0 : values.min() ?? 0
    let largest = values.max() ?? 1
    // Where all values are the same there is no scale to read off them.
    let high = largest - low > 1e-9 ? largest : low + 1
    let raw = (high - low) / Double(ticks)
    let magnitude = pow(10, floor(log10(raw)))
    step = ([1, 2, 2.5, 5, 10].first { $0 * magnitude >= raw } ?? 10) * magnitude
    domain = (floor(low / step) * step)...(ceil(high / step - 1e-9) * step)
    self.range = range
  }

  func callAsFunction(_ value: Double) -> Double {
    let share = (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
    return range.from + min(max(share, -0.02), 1.02) * (range.to - range.from)
  }

  var ticks: [Double] {
    let count = Int(((domain.upperBound - domain.lowerBound) / step).rounded())
    return (0...max(count, 1)).map { domain.lowerBound + Double($0) * step }
  }

  func label(_ tick: Double) -> String {
    let digits = (0...4).first { digits in
      let scaled = step * pow(10, Double(digits))
      return abs(scaled - scaled.rounded()) < 1e-6 * scaled
    }
    return String(format: "%.\(digits ?? 5)f", tick)
  }
}

/// A chart with an area for its values.
struct Chart {
  static let width = 520.0
  static let height = 320.0
  static let left = 46.0
  static let right = 505.0
  static let top = 26.0

  var bottom = 270.0
  private var body = ""

  init(bottom: Double = 270) { self.bottom = bottom }

  static func number(_ value: Double) -> String {
    let text = String(format: "%.1f", value)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  mutating func add(_ element: String) { body += element }

  mutating func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String, stroke: Int? = nil
  ) {
    let numbers = [x1, y1, x2, y2].map(Self.number)
    add(
      "<line class=\"\(name)\" x1=\"\(numbers[0])\" y1=\"\(numbers[1])\" x2=\"\(numbers[2])\" y2=\"\(numbers[3])\"\(stroke.map { " style=\"stroke:\(Self.colour($0))\"" } ?? "")/>"
    )
  }

  mutating func text(
    _ text: String, _ x: Double, _ y: Double, anchor: String = "middle", class name: String? = nil
  ) {
    add(
      "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" text-anchor=\"\(anchor)\"\(name.map { " class=\"\($0)\"" } ?? "")>\(text.escaped)</text>"
    )
  }

  mutating func mark(_ x: Double, _ y: Double, _ series: Int, title: String) {
    add(
      "<circle class=\"mark\" cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"6\" style=\"fill:\(Self.colour(series))\"><title>\(title.escaped)</title></circle>"
    )
  }

  mutating func curve(_ points: [(Double, Double)], _ series: Int, isDashed: Bool = false) {
    guard points.count > 1 else { return }
    let path = points.enumerated().map { ($0 == 0 ? "M" : "L") + Self.number($1.0) + " " + Self.number($1.1) }
    add(
      "<path class=\"curve\(isDashed ? " dashed" : "")\" d=\"\(path.joined())\" style=\"stroke:\(Self.colour(series))\"/>"
    )
  }

  mutating func axes(x: Scale?, xTitle: String, y: Scale, yTitle: String) {
    for tick in y.ticks {
      line(Self.left, y(tick), Self.right, y(tick), class: "grid")
      text(y.label(tick), Self.left - 8, y(tick) + 4, anchor: "end")
    }
    line(Self.left, bottom, Self.right, bottom, class: "axis")
    for tick in x?.ticks ?? [] { if let x { text(x.label(tick), x(tick), bottom + 18) } }
    text(yTitle, 4, 12, anchor: "start")
    if !xTitle.isEmpty { text(xTitle, Self.right, bottom + 38, anchor: "end") }
  }

  static func colour(_ series: Int) -> String { "var(--s\(series % 8))" }

  func svg(_ description: String) -> String {
    "<svg viewBox=\"0 0 \(Self.number(Self.width)) \(Self.number(Self.height))\" role=\"img\" aria-label=\"\(description.escaped)\">\(body)</svg>"
  }
}
