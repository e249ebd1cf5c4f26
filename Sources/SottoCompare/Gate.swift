// Rules that a run must keep, alone or against an earlier one.

import Foundation

/// `wer>12`, `wer>+0.5`, `rtf>+10%`: a variant fails where the value is more (or less) than a number, or differs by more from
/// that of the baseline.
public struct Gate: Sendable, Hashable {
  enum Limit: Sendable, Hashable {
    case absolute(Double)
    /// More than the baseline's.
    case difference(Double)
    /// Per cent of the baseline's.
    case share(Double)
  }

  /// As written.
  public let text: String
  let metric: String
  let isUpper: Bool
  let limit: Limit

  /// Values by name, in the units that results are shown in.
  static let metrics: [(name: String, value: @Sendable (Comparison.Row) -> Double?)] = [
    ("wer", { $0.wer.map { $0 * 100 } }), ("cer", { $0.cer.map { $0 * 100 } }),
    ("failed", { Double($0.failed) }), ("rtf", { $0.realTimeFactor }), ("cpu", { $0.cpu }),
    ("load", { $0.load }), ("memory", { $0.peakMemory.map { Double($0) / 1e6 } }),
    ("size", { $0.size.map { Double($0) / 1e6 } }), ("first", { $0.firstText?.median }),
    ("first-95", { $0.firstText?.p95 }), ("first-99", { $0.firstText?.p99 }),
    ("final", { $0.finalText?.median }), ("final-95", { $0.finalText?.p95 }),
    ("final-99", { $0.finalText?.p99 }), ("revisions", { $0.revisions.map { $0 * 100 } }),
  ]

  /// Whether a baseline is needed.
  public var isRelative: Bool { if case .absolute = limit { false } else { true } }

  /// - Throws: `ComparisonError.specification`.
  public init(_ text: String) throws(ComparisonError) {
    self.text = text
    guard let sign = text.firstIndex(where: { $0 == ">" || $0 == "<" }) else {
      throw .specification("“\(text)” is no rule; one is wer>12, wer>+0.5 or rtf>+10%")
    }
    metric = text[..<sign].trimmingCharacters(in: .whitespaces)
    isUpper = text[sign] == ">"
    let names = Self.metrics.map(\.name)
    guard names.contains(metric) else {
      let hint = NearestNames.hint(metric, among: names)
      throw .specification(
        "“\(text)”: no value “\(metric)”\(hint.isEmpty ? "; there are \(names.joined(separator: ", "))" : hint)"
      )
    }
    let value = text[text.index(after: sign)...].trimmingCharacters(in: .whitespaces)
    let isShare = value.hasSuffix("%")
    guard let number = Double(isShare ? String(value.dropLast()) : value), number.isFinite else {
      throw .specification("“\(text)”: “\(value)” is not a number")
    }
    let isSigned = value.hasPrefix("+") || value.hasPrefix("-")
    if isShare, !isSigned { throw .specification("“\(text)”: per cent of what? Write \(metric)>+\(value)") }
    limit = isShare ? .share(number) : isSigned ? .difference(number) : .absolute(number)
  }

  /// What breaks the rule, a message a row.
  ///
  /// - Throws: `ComparisonError.noValue` where a row has no such value, or the baseline has no such row: a rule that cannot be checked is
  ///   not kept.
  public func broken(in comparison: Comparison, baseline: Comparison?) throws(ComparisonError) -> [String] {
    guard let value = Self.metrics.first(where: { $0.name == metric })?.value else { return [] }
    var messages: [String] = []
    for row in comparison.rows {
      let place = "\(row.variant) (\(row.condition))"
      guard let measured = value(row) else {
        throw .noValue("“\(text)”: \(place) has no value for \(metric)")
      }
      var allowed: Double
      switch limit {
      case .absolute(let number): allowed = number
      case .difference(let number), .share(let number):
        guard let old = baseline?.row(row.variant, row.condition).flatMap(value) else {
          throw .noValue("“\(text)”: the baseline has no \(metric) of \(place)")
        }
        allowed = old + number
        if case .share = limit { allowed = old * (1 + number / 100) }
      }
      // Not for the rounding of the file.
      let excess = isUpper ? measured - allowed : allowed - measured
      if excess > 1e-6 * max(abs(allowed), 1e-3) {
        messages.append(
          "\(place): \(metric) is \(Self.short(measured)), \(isUpper ? "more" : "less") than \(Self.short(allowed)) (\(text))"
        )
      }
    }
    return messages
  }

  private static func short(_ value: Double) -> String { String(format: "%.4g", value) }
}
