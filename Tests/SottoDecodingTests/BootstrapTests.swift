// Intervals cover the truth as often as they say, and differences that are none are seldom found.

import SottoDecoding
import Testing

@Suite struct BootstrapTests {
  /// Recordings of 5 to 25 words, each harder or easier than the others, all words wrong with the probability `rate` on average.
  private static func counts(_ random: inout SplitMix64, recordings: Int, rate: Double) -> [ErrorCounts] {
    (0..<recordings).map { _ in
      let words = 5 + random.next(below: 21)
      let hardness = rate * (random.next(below: 2) == 0 ? 0.5 : 1.5)
      let wrong = (0..<words).count { _ in Double(random.next(below: 1_000_000)) < hardness * 1e6 }
      return ErrorCounts(hits: words - wrong, substitutions: wrong)
    }
  }

  @Test func intervalsCover() {
    var random = SplitMix64(seed: 5)
    let covered = (0..<300).count { seed in
      let counts = Self.counts(&random, recordings: 80, rate: 0.15)
      guard let interval = BootstrapInterval(counts, resamples: 400, seed: UInt64(seed)) else { return false }
      return interval.low <= 0.15 && 0.15 <= interval.high
    }
    // 95 % less what a percentile bootstrap misses; three standard errors are 4 %.
    #expect((270...297).contains(covered), "\(covered)")
  }

  @Test func differencesByChanceAreSeldomSure() throws {
    var random = SplitMix64(seed: 6)
    var (sure, covered) = (0, 0)
    for seed in 0..<300 {
      let first = Self.counts(&random, recordings: 80, rate: 0.15)
      let second = first.map { counts in
        // As good: of each word's fate a new draw.
        let wrong = (0..<counts.referenceLength).count { _ in random.next(below: 100) < 15 }
        return ErrorCounts(hits: counts.referenceLength - wrong, substitutions: wrong)
      }
      let pair = try #require(PairedBootstrap(first, second, resamples: 400, seed: UInt64(seed)))
      if pair.p < 0.05 { sure += 1 }
      if pair.low <= 0, 0 <= pair.high { covered += 1 }
    }
    #expect((3...30).contains(sure) && (270...297).contains(covered), "\(sure) \(covered)")
  }

  @Test func realDifferencesAreFound() throws {
    var random = SplitMix64(seed: 7)
    let first = Self.counts(&random, recordings: 200, rate: 0.1)
    let worse = first.map {
      ErrorCounts(hits: $0.hits - $0.hits / 8, substitutions: $0.substitutions + $0.hits / 8)
    }
    let pair = try #require(PairedBootstrap(first, worse))
    #expect(pair.p < 0.01 && pair.low > 0 && pair.difference > pair.low && pair.difference < pair.high)
    let back = try #require(PairedBootstrap(worse, first))
    #expect(back.difference == -pair.difference && back.p < 0.01 && back.high < 0)
    #expect(try #require(PairedBootstrap(first, first)).p == 1)
    #expect(PairedBootstrap(first, Array(first.dropLast())) == nil && PairedBootstrap([], []) == nil)
  }
}
