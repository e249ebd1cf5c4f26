// Beam search with a model that scores one token after another.

import SottoKernels

/// Finds the hypotheses with the largest mean log probability and what scorers add (`Hypothesis.value`), `beam` at a time. Greedy search
/// is a beam of one; where scorers take back what they added, what they promise is tried beside it.
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

  /// What is added to the model's scores.
  public var scorers: [any FusionScorer] = []

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
    /// Of each scorer.
    var fusionStates: [UInt64]
    var candidates: [FusedCandidate]
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

    let begun = fused(prefix)
    scorer.begin(prompt: prompt + prefix.tokens) { state, scores in
      if let probe, scores.indices.contains(probe) {
        probed = scores[probe] - logSumExp(UnsafeBufferPointer(scores)).value
      }
      active = [
        self.active(begun.hypothesis, state, begun.states, scores, rules)
      ]
    }
    while !active.isEmpty {
      let (next, ended, loops) = branch(active, rules: rules)
      finished += ended
      bestLoop = [bestLoop, loops].compactMap { $0 }.max { $0.modelMean < $1.modelMean }
      if next.isEmpty { break }
      if next[0].hypothesis.tokens.count >= mostTokens {
        if finished.isEmpty { finished = next.map { settled($0.hypothesis, $0.fusionStates) } }
        break
      }
      if isDecided(finished, next.map(\.hypothesis)),
        !next.contains(where: { isOpen($0.fusionStates) })
      {
        break
      }
      active = []
      scorer.advance(next.map { ($0.state, $0.hypothesis.tokens.last ?? rules.endOfText) }) {
        index, state, scores in
        active.append(self.active(next[index].hypothesis, state, next[index].fusionStates, scores, rules))
      }
      if active.isEmpty, finished.isEmpty {
        finished = next.map { settled($0.hypothesis, $0.fusionStates) }
      }
    }
    let length = longest(finished)
    finished.sort { $0.value(length: length) > $1.value(length: length) }
    guard let bestLoop else { return Result(hypotheses: finished, metLoop: false, probed: probed) }
    let metLoop = bestLoop.value(length: length) > finished.first?.value(length: length) ?? -.infinity
    if finished.isEmpty { finished = [bestLoop.cut(to: loopGuard.unrolled(bestLoop.tokens).count)] }
    return Result(hypotheses: finished, metLoop: metLoop, probed: probed)
  }

  /// A hypothesis with the best tokens that may follow.
  private func active<State>(
    _ hypothesis: Hypothesis, _ state: State, _ fusionStates: [UInt64],
    _ scores: UnsafeMutableBufferPointer<Float>, _ rules: TokenRules
  ) -> Active<State> {
    rules.apply(to: scores, after: hypothesis.tokens)
    return Active(
      hypothesis: hypothesis, state: state, fusionStates: fusionStates,
      candidates: candidates(UnsafeBufferPointer(scores), fusionStates, endOfText: rules.endOfText))
  }

  /// What the search begins with, as scorers see it, and their states after it.
  private func fused(_ prefix: Hypothesis) -> (hypothesis: Hypothesis, states: [UInt64]) {
    var hypothesis = prefix
    hypothesis.total -= prefix.fusion
    hypothesis.fusion = 0
    var states = scorers.map(\.start)
    for token in prefix.tokens {
      for index in scorers.indices {
        let (score, next) = scorers[index].advance(states[index], by: token)
        hypothesis.fusion += score
        states[index] = next
      }
    }
    hypothesis.total += hypothesis.fusion
    return (hypothesis, states)
  }

  /// What is left of a hypothesis where the text is cut off.
  private func settled(_ hypothesis: Hypothesis, _ states: [UInt64]) -> Hypothesis {
    var hypothesis = hypothesis
    let added = zip(scorers, states).reduce(0) { $0 + $1.0.finish($1.1) }
    hypothesis.total += added
    hypothesis.fusion += added
    return hypothesis
  }

  private typealias Next<State> = (hypothesis: Hypothesis, state: State, fusionStates: [UInt64])

  /// The best `beam` continuations of all hypotheses; those that end, and the best loop, apart.
  private func branch<State>(
    _ active: [Active<State>], rules: TokenRules
  ) -> (next: [Next<State>], ended: [Hypothesis], bestLoop: Hypothesis?) {
    var order: [(parent: Int, candidate: FusedCandidate)] = []
    for (parent, item) in active.enumerated() {
      for candidate in item.candidates { order.append((parent, candidate)) }
    }
    let pruning = Pruning(beam: beam, margin: wanted > 1 ? .infinity : margin)
    var ranked: [Int] = []
    let takesBack = scorers.contains { $0.takesBack }
    let width = pruning.rank(
      order.map { active[$0.parent].hypothesis.total + $0.candidate.rank },
      tentative: takesBack ? order.map(\.candidate.tentative) : [], limit: order.count, into: &ranked)
    var next: [Next<State>] = []
    var ended: [Hypothesis] = []
    var bestLoop: Hypothesis?
    var timed: Set<[Int]> = []
    var ends = 0
    // Beside trials the end of the text is the one that goes on.
    for place in ranked where next.count + (beam == 1 && takesBack ? ends : 0) < width {
      let item = active[order[place].parent]
      let candidate = order[place].candidate
      let token = candidate.token
      if token == rules.endOfText {
        ends += 1
        ended.append(item.hypothesis.finished(score: candidate.score, fusion: candidate.fusion))
        continue
      }
      let hypothesis = item.hypothesis.extended(
        by: token, score: candidate.score, fusion: candidate.fusion)
      if token >= rules.firstTimestamp {
        // Of hypotheses that differ in their timestamps alone the best goes on, so that the beam is one of texts.
        let text = hypothesis.tokens.filter { $0 < rules.firstTimestamp }
        if !timed.insert(text).inserted { continue }
      }
      if loopGuard.pattern(in: hypothesis.tokens) != nil {
        if hypothesis.modelMean > bestLoop?.modelMean ?? -.infinity { bestLoop = hypothesis }
        continue
      }
      next.append(
        (hypothesis, item.state, zip(scorers, item.fusionStates).map { $0.advance($1, by: token).state }))
    }
    return (next, ended, bestLoop)
  }

  /// Whether something that was added may be taken back yet.
  private func isOpen(_ states: [UInt64]) -> Bool { zip(scorers, states).contains { $0.tentative($1) > 0 } }

  /// Tokens that an unfinished hypothesis is granted for nothing when it is compared with a finished one.
  private static let grace: Float = 4

  /// Tokens of the longest one, the end of text included.
  private func longest(_ hypotheses: [Hypothesis]) -> Int {
    (hypotheses.map(\.tokens.count).max() ?? 0) + 1
  }

  /// Whether nothing that goes on can still win, or enough hypotheses have finished.
  private func isDecided(_ finished: [Hypothesis], _ active: [Hypothesis]) -> Bool {
    let length = longest(finished + active)
    guard let best = finished.map({ $0.value(length: length) }).max() else { return false }
    if finished.count >= max(beam, wanted) { return true }
    if finished.count < wanted { return false }
    return active.allSatisfy {
      ($0.total - $0.fusion) / (Float($0.tokens.count) + Self.grace) + $0.fusion / Float(length) < best
    }
  }
}
