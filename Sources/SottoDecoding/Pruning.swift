// Which hypotheses go on: the one rule of all searches.

/// Keeps the best hypotheses: at most `beam`, none more than `margin` below the best.
public struct Pruning: Sendable, Hashable {
  /// Hypotheses that stay, at least 1.
  public var beam: Int
  /// How far below the best total log probability a hypothesis may be.
  public var margin: Float

  public init(beam: Int, margin: Float = .infinity) {
    self.beam = max(beam, 1)
    self.margin = margin
  }

  /// Writes the places of the totals within the margin into `ranked`, best first; of equal ones the first comes first.
  /// Totals of -∞ and NaN are left out.
  ///
  /// What may be taken back yet drives nothing out: the margin is measured from the best total without it, and the `beam` best
  /// without it go on. Those that are better with what they may lose are tried beside them, few, until that is decided.
  ///
  /// - Parameters:
  ///   - tentative: how much of each total may be taken back; empty for nothing.
  ///   - limit: how many are wanted; those who drop some of them for other reasons want more than `beam`.
  /// - Returns: how many of the first ones should go on.
  @discardableResult func rank(
    _ totals: [Float], tentative: [Float] = [], limit: Int? = nil, into ranked: inout [Int]
  ) -> Int {
    let limit = limit ?? (tentative.isEmpty ? beam : totals.count)
    ranked.removeAll(keepingCapacity: true)
    func certain(_ place: Int) -> Float {
      tentative.indices.contains(place) ? totals[place] - tentative[place] : totals[place]
    }
    let best = totals.indices.reduce(-Float.infinity) { max($0, certain($1)) }
    let floor = max(best - margin, -.greatestFiniteMagnitude)
    for (place, total) in totals.enumerated() where total >= floor {
      if ranked.count >= limit, let last = ranked.last, totals[last] >= total { continue }
      var (low, high) = (0, ranked.count)
      while low < high {
        let middle = (low + high) / 2
        if totals[ranked[middle]] >= total { low = middle + 1 } else { high = middle }
      }
      ranked.insert(place, at: low)
      if ranked.count > limit { ranked.removeLast() }
    }
    if tentative.isEmpty { return beam }
    let sure = ranked.sorted { (certain($0), -$0) > (certain($1), -$1) }.prefix(beam)
    let worst = sure.count < beam ? -.infinity : sure.last.map(certain) ?? -.infinity
    let trials = ranked.filter { tentative[$0] > 0 && totals[$0] > worst && !sure.contains($0) }
      .prefix(max(beam, Self.leastTrials))
    let first = ranked.filter { sure.contains($0) || trials.contains($0) }
    ranked = first + ranked.filter { !first.contains($0) && !(tentative[$0] > 0 && totals[$0] > worst) }
    return first.count
  }

  /// Hypotheses that are tried beside the beam, at least.
  private static let leastTrials = 2
}
