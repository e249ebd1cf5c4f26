// Where most of some values lie.

/// Median and high percentiles.
public struct Quantiles: Sendable, Hashable, Codable {
  public var count: Int
  public var median: Double
  public var p95: Double
  public var p99: Double

  /// Nil without values.
  public init?(_ values: [Double]) {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    count = sorted.count
    median = Self.quantile(0.5, sorted)
    p95 = Self.quantile(0.95, sorted)
    p99 = Self.quantile(0.99, sorted)
  }

  /// Interpolated linearly between the values beside it (type 7 of Hyndman and Fan 1996).
  static func quantile(_ share: Double, _ sorted: [Double]) -> Double {
    let place = share * Double(sorted.count - 1)
    let below = Int(place)
    let above = min(below + 1, sorted.count - 1)
    let value = sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
    return (value * 1e6).rounded() / 1e6
  }
}
