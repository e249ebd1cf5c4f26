// How far an error rate may be from what other recordings of the same kind would give.

/// Percentile bootstrap over recordings (Bisani and Ney 2004, "Bootstrap estimates for confidence intervals in ASR
/// performance evaluation").
public struct BootstrapInterval: Sendable, Hashable, Codable {
  public let low: Double
  public let high: Double

  /// Draws `resamples` times as many recordings as there are, with replacement, and takes the 2.5th and 97.5th
  /// percentile of their error rates. The same seed gives the same interval everywhere.
  ///
  /// Nil without recordings or without reference words.
  public init?(_ counts: [ErrorCounts], resamples: Int = 2000, seed: UInt64 = 1) {
    guard !counts.isEmpty, resamples > 0, counts.contains(where: { $0.referenceLength > 0 }) else {
      return nil
    }
    var random = SplitMix64(seed: seed)
    var rates: [Double] = []
    for _ in 0..<resamples {
      var errors = 0
      var length = 0
      for _ in counts {
        let drawn = counts[random.next(below: counts.count)]
        errors += drawn.errors
        length += drawn.referenceLength
      }
      if length > 0 { rates.append(Double(errors) / Double(length)) }
    }
    rates.sort()
    guard let last = rates.indices.last else { return nil }
    low = rates[Int((0.025 * Double(last)).rounded())]
    high = rates[Int((0.975 * Double(last)).rounded())]
  }
}
