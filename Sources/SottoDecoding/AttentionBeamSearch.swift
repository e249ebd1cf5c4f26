// Beam search with a model that scores one token after another.

import SottoKernels

/// Finds the hypotheses with the largest mean log probability, `beam` at a time. Greedy search is a beam of one.
public struct AttentionBeamSearch: Sendable {
  /// Hypotheses that go on at each step, at least 1.
  public var beam: Int
  /// Tokens after which a hypothesis is cut off.
  public var mostTokens: Int
  /// Hypotheses whose end is a loop are dropped.
  public var loopGuard: LoopGuard

  /// Hypotheses whose total log probability is so much below the best one's are dropped: they cost as much as good ones,
  /// and hardly ever win.
  public var margin: Float = 6

  /// Finished hypotheses that are wanted. More than 1: the search goes on when the best is found, and drops none for
  /// being far below it.
  public var wanted = 1

  public init(beam: Int, mostTokens: Int, loopGuard: LoopGuard = LoopGuard()) {
    self.beam = max(beam, 1)
    self.mostTokens = max(mostTokens, 0)
    self.loopGuard = loopGuard
  }

  public struct Result: Sendable {
    /// The hypotheses found, best first: finished ones; where none finished, those cut off at the limit of tokens; where
    /// there is nothing else, the best loop after its first round.
    public var hypotheses: [Hypothesis]
    /// Whether a hypothesis was dropped as a loop that was better than all that remain.
    public var metLoop: Bool
    /// Scores of all tokens after the prompt's first token, before any rule, as `probe` asked.
    public var probed: Float
  }

  private struct Active<State> {
    var hypothesis: Hypothesis
    var state: State
    var candidates: [(token: Int, score: Float)]
  }

  /// - Parameters:
  ///   - prefix: what all hypotheses begin with.
  ///   - probe: a token whose log probability after the prompt is wanted (no speech, for example).
  public func run<Scorer: TokenScorer>(
    _ scorer: Scorer, prompt: [Int], after prefix: Hypothesis = Hypothesis(), rules: TokenRules,
    probe: Int? = nil
  ) -> Result {
    var active: [Active<Scorer.State>] = []
    var finished: [Hypothesis] = []
    var bestLoop: Hypothesis?
    var probed = -Float.infinity

    scorer.begin(prompt: prompt + prefix.tokens) { state, scores in
      if let probe, scores.indices.contains(probe) {
        probed = scores[probe] - logSumExp(UnsafeBufferPointer(scores)).value
      }
      active = [
        Active(
          hypothesis: prefix, state: state,
          candidates: candidates(scores, after: prefix.tokens, rules: rules))
      ]
    }
    while !active.isEmpty {
      let (next, ended, loops) = branch(active, rules: rules)
      finished += ended
      bestLoop = [bestLoop, loops].compactMap { $0 }.max { $0.mean < $1.mean }
      if next.isEmpty { break }
      if next[0].hypothesis.tokens.count >= mostTokens {
        if finished.isEmpty { finished = next.map(\.hypothesis) }
        break
      }
      if isDecided(finished, next.map(\.hypothesis)) { break }
      active = []
      scorer.advance(next.map { ($0.state, $0.hypothesis.tokens.last ?? rules.endOfText) }) {
        index, state, scores in
        let hypothesis = next[index].hypothesis
        active.append(
          Active(
            hypothesis: hypothesis, state: state,
            candidates: candidates(scores, after: hypothesis.tokens, rules: rules)))
      }
      if active.isEmpty, finished.isEmpty { finished = next.map(\.hypothesis) }
    }
    finished.sort { $0.mean > $1.mean }
    guard let bestLoop else { return Result(hypotheses: finished, metLoop: false, probed: probed) }
    let metLoop = bestLoop.mean > finished.first?.mean ?? -.infinity
    if finished.isEmpty { finished = [bestLoop.cut(to: loopGuard.unrolled(bestLoop.tokens).count)] }
    return Result(hypotheses: finished, metLoop: metLoop, probed: probed)
  }

  /// The best next tokens with their log probabilities.
  private func candidates(
    _ scores: UnsafeMutableBufferPointer<Float>, after tokens: [Int], rules: TokenRules
  ) -> [(token: Int, score: Float)] {
    rules.apply(to: scores, after: tokens)
    let all = UnsafeBufferPointer(scores)
    let normalizer = logSumExp(all).value
    return bestTokens(all, count: beam + 1).map { ($0.token, $0.score - normalizer) }
  }

  /// The best `beam` continuations of all hypotheses; those that end, and the best loop, apart.
  private func branch<State>(
    _ active: [Active<State>], rules: TokenRules
  ) -> (next: [(hypothesis: Hypothesis, state: State)], ended: [Hypothesis], bestLoop: Hypothesis?) {
    var order: [(parent: Int, token: Int, score: Float, total: Float)] = []
    for (parent, item) in active.enumerated() {
      for (token, score) in item.candidates {
        order.append((parent, token, score, item.hypothesis.total + score))
      }
    }
    let pruning = Pruning(beam: beam, margin: wanted > 1 ? .infinity : margin)
    var ranked: [Int] = []
    pruning.rank(order.map(\.total), limit: order.count, into: &ranked)
    var next: [(hypothesis: Hypothesis, state: State)] = []
    var ended: [Hypothesis] = []
    var bestLoop: Hypothesis?
    var timed: Set<[Int]> = []
    for place in ranked where next.count < beam {
      let (parent, token, score, _) = order[place]
      let item = active[parent]
      if token == rules.endOfText {
        ended.append(item.hypothesis.finished(score: score))
        continue
      }
      let hypothesis = item.hypothesis.extended(by: token, score: score)
      if token >= rules.firstTimestamp {
        // Of hypotheses that differ in their timestamps alone the best goes on, so that the beam is one of texts.
        let text = hypothesis.tokens.filter { $0 < rules.firstTimestamp }
        if !timed.insert(text).inserted { continue }
      }
      if loopGuard.pattern(in: hypothesis.tokens) != nil {
        if hypothesis.mean > bestLoop?.mean ?? -.infinity { bestLoop = hypothesis }
        continue
      }
      next.append((hypothesis, item.state))
    }
    return (next, ended, bestLoop)
  }

  /// Tokens that an unfinished hypothesis is granted for nothing when it is compared with a finished one.
  private static let grace: Float = 4

  /// Whether nothing that goes on can still win, or enough hypotheses have finished.
  private func isDecided(_ finished: [Hypothesis], _ active: [Hypothesis]) -> Bool {
    guard let best = finished.map(\.mean).max() else { return false }
    if finished.count >= max(beam, wanted) { return true }
    if finished.count < wanted { return false }
    return active.allSatisfy { $0.total / (Float($0.tokens.count) + Self.grace) < best }
  }
}
