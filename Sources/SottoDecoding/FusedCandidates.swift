// The tokens that a step of the attention search tries, with what scorers add to them.

import SottoKernels

/// A token that may come next.
struct FusedCandidate: Sendable {
  var token: Int
  /// The model's log probability.
  var score: Float
  /// What scorers add, or take back.
  var fusion: Float = 0
  /// How much of the hypothesis's total may be taken back after it.
  var tentative: Float = 0

  var rank: Float { score + fusion }
}

extension AttentionBeamSearch {
  /// Favoured tokens less likely by more than this than the likeliest one are not tried.
  private static let favouredMargin: Float = 20

  /// The best `beam` + 1 next tokens, and the surest one.
  func candidates(
    _ scores: UnsafeBufferPointer<Float>, _ states: [UInt64], endOfText: Int
  ) -> [FusedCandidate] {
    let normalizer = logSumExp(scores).value
    // Scorers may take back much from the best ones.
    let best = bestTokens(scores, count: scorers.isEmpty ? beam + 1 : 2 * (beam + 1))
    var candidates = best.map { FusedCandidate(token: $0.token, score: $0.score - normalizer) }
    guard !scorers.isEmpty else { return candidates }
    for token in favoured(scores, states, except: best.map(\.token)) {
      candidates.append(FusedCandidate(token: token, score: scores[token] - normalizer))
    }
    for index in candidates.indices { fuse(&candidates[index], states, endOfText: endOfText) }
    candidates.sort { $0.rank > $1.rank || ($0.rank == $1.rank && $0.token < $1.token) }
    // In a beam of one, two may be tried beside the surest.
    var first = Array(candidates.prefix(max(beam + 1, 3)))
    let surest = candidates.indices.max {
      candidates[$0].rank - candidates[$0].tentative < candidates[$1].rank - candidates[$1].tentative
    }
    if let surest, surest >= first.count { first.append(candidates[surest]) }
    return first
  }

  private func favoured(
    _ scores: UnsafeBufferPointer<Float>, _ states: [UInt64], except tried: [Int]
  ) -> [Int] {
    guard let first = tried.first else { return [] }
    var favoured: [Int] = []
    for (scorer, state) in zip(scorers, states) { scorer.appendFavoured(in: state, to: &favoured) }
    let floor = max(scores[first] - Self.favouredMargin, -.greatestFiniteMagnitude)
    var seen = Set(tried)
    return favoured.filter {
      scores.indices.contains($0) && scores[$0] >= floor && seen.insert($0).inserted
    }
  }

  private func fuse(_ candidate: inout FusedCandidate, _ states: [UInt64], endOfText: Int) {
    for (scorer, state) in zip(scorers, states) {
      if candidate.token == endOfText {
        candidate.fusion += scorer.finish(state)
      } else {
        let (score, next) = scorer.advance(state, by: candidate.token)
        candidate.fusion += score
        candidate.tentative += scorer.tentative(next)
      }
    }
  }
}
