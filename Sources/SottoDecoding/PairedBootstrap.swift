// Whether one recogniser is better than another on the same recordings, or only seems so.

/// Paired percentile bootstrap over recordings (Bisani and Ney 2004): both are scored on the same draw each time, so that what makes a
/// recording hard for both falls out of their difference.
public struct PairedBootstrap: Sendable, Hashable, Codable {
  /// Error rate of the second less that of the first.
  public let difference: Double
  /// 95 % interval of the difference.
  public let low: Double
  public let high: Double
  /// Two-sided: how often a difference like this would come if there were none, at least 1 / resamples.
  public let p: Double

  /// - Parameters:
  ///   - first: counts by recording.
  ///   - second: of the same recordings in the same order.
  ///
  /// Nil without recordings or reference words, or for lists of different lengths.
  public init?(_ first: [ErrorCounts], _ second: [ErrorCounts], resamples: Int = 2000, seed: UInt64 = 1) {
    let length = first.reduce(0) { $0 + $1.referenceLength }
    guard first.count == second.count, length > 0, resamples > 0 else { return nil }
    let gains = zip(first, second).map { $1.errors - $0.errors }
    difference = Double(gains.reduce(0, +)) / Double(length)
    var random = SplitMix64(seed: seed)
    var drawn: [Double] = []
    for _ in 0..<resamples {
      var (gain, words) = (0, 0)
      for _ in first {
        let index = random.next(below: first.count)
        gain += gains[index]
        words += first[index].referenceLength
      }
      if words > 0 { drawn.append(Double(gain) / Double(words)) }
    }
    drawn.sort()
    guard let last = drawn.indices.last else { return nil }
    low = drawn[Int((0.025 * Double(last)).rounded())]
    high = drawn[Int((0.975 * Double(last)).rounded())]
    // Draws on the other side of 0; those at 0 speak for neither.
    let below = Double(drawn.count { $0 < 0 }) + Double(drawn.count { $0 == 0 }) / 2
    let share = min(below, Double(drawn.count) - below) / Double(drawn.count)
    p = gains.allSatisfy { $0 == 0 } ? 1 : min(1, max(2 * share, 1 / Double(drawn.count)))
  }
}
