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
  /// What may be taken back yet lets a hypothesis come first, but drives none out: the margin is measured from the best
  /// total without it, and the hypothesis that has that is always among the first `beam`. In a beam of one it is the one, and
  /// those that are better with what they may lose are tried beside it, few, until that is decided.
  ///
  /// - Parameters:
  ///   - tentative: how much of each total may be taken back; empty for nothing.
  ///   - limit: how many are wanted; those who drop some of them for other reasons want more than `beam`.
  /// - Returns: how many of the first ones should go on.
  @discardableResult func rank(
    _ totals: [Float], tentative: [Float] = [], limit: Int? = nil, into ranked: inout [Int]
  ) -> Int {
    let tries = beam == 1 && !tentative.isEmpty
    let limit = limit ?? (tries ? totals.count : beam)
    ranked.removeAll(keepingCapacity: true)
    var best = -Float.infinity
    var surest = 0
    for (place, total) in totals.enumerated() {
      let certain = tentative.indices.contains(place) ? total - tentative[place] : total
      if certain > best { (surest, best) = (place, certain) }
    }
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
    if tries {
      let trials = ranked.filter { $0 != surest && tentative[$0] > 0 && totals[$0] > best }
        .prefix(Self.mostTrials)
      let first = ranked.filter { $0 == surest || trials.contains($0) }
      ranked = first + ranked.filter { !first.contains($0) && !(tentative[$0] > 0 && totals[$0] > best) }
      return first.count
    }
    if !tentative.isEmpty, ranked.count >= beam, !ranked[..<beam].contains(surest) {
      ranked.removeAll { $0 == surest }
      if ranked.count >= limit { ranked.removeLast() }
      ranked.insert(surest, at: beam - 1)
    }
    return beam
  }

  /// Hypotheses that a beam of one tries beside it.
  private static let mostTrials = 2
}
