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
  /// - Parameter limit: how many are wanted; those who drop some of them for other reasons want more than `beam`.
  func rank(_ totals: [Float], limit: Int? = nil, into ranked: inout [Int]) {
    let limit = limit ?? beam
    ranked.removeAll(keepingCapacity: true)
    var best = -Float.infinity
    for total in totals where total > best { best = total }
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
  }
}
