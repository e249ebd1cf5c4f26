// The search against an exhaustive one, on a vocabulary small enough to try everything.

import Foundation
import SottoTestSupport
import Testing

@testable import SottoDecoding

/// Scores next tokens by a function of the tokens before. A state is these tokens.
final class ScriptedScorer: TokenScorer {
  let logits: ([Int]) -> [Float]
  /// Tokens that fit in.
  let room: Int

  init(room: Int = .max, _ logits: @escaping ([Int]) -> [Float]) {
    self.logits = logits
    self.room = room
  }

  func begin(prompt: [Int], visit: ([Int], UnsafeMutableBufferPointer<Float>) -> Void) {
    var scores = logits([])
    scores.withUnsafeMutableBufferPointer { visit([], $0) }
  }

  func advance(
    _ items: [(state: [Int], token: Int)], visit: (Int, [Int], UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    for (index, item) in items.enumerated() where item.state.count < room {
      let state = item.state + [item.token]
      var scores = logits(state)
      scores.withUnsafeMutableBufferPointer { visit(index, state, $0) }
    }
  }
}

@Suite struct AttentionBeamSearchTests {
  /// Text 0...3, the end 4, and 5 that is never allowed.
  static let end = 4
  static let rules = TokenRules(
    endOfText: end, noTimestamps: 5, firstTimestamp: 6, suppressed: [], suppressedAtStart: [],
    usesTimestamps: false)
  static let noGuard: LoopGuard = {
    var loopGuard = LoopGuard()
    loopGuard.mostRepetitions = []
    return loopGuard
  }()

  /// Logits that follow from the seed and the tokens, and nothing else.
  static func random(_ seed: UInt64) -> ([Int]) -> [Float] {
    { tokens in
      var random = SplitMix(state: tokens.reduce(seed) { $0 &* 31 &+ UInt64($1) &+ 1 })
      return (0..<6).map { _ in Float(random.nextUnit()) * 3 }
    }
  }

  /// Log probabilities of the tokens that the rules allow.
  static func probabilities(_ logits: [Float]) -> [Double] {
    let allowed = logits[...end].map { Double($0) }
    let sum = allowed.reduce(0) { $0 + exp($1) }
    return allowed.map { $0 - log(sum) }
  }

  /// Every text of fewer than `most` tokens, with its mean log probability.
  static func all(_ logits: ([Int]) -> [Float], most: Int) -> [(tokens: [Int], mean: Double)] {
    var results: [(tokens: [Int], mean: Double)] = []
    func visit(_ tokens: [Int], _ total: Double) {
      let next = probabilities(logits(tokens))
      results.append((tokens, (total + next[end]) / Double(tokens.count + 1)))
      if tokens.count + 1 < most { for token in 0..<end { visit(tokens + [token], total + next[token]) } }
    }
    visit([], 0)
    return results.sorted { $0.mean > $1.mean }
  }

  @Test(arguments: 1...40) func findsTheBestOfAll(seed: UInt64) throws {
    let logits = Self.random(seed)
    var search = AttentionBeamSearch(beam: 1000, mostTokens: 5, loopGuard: Self.noGuard)
    search.margin = .infinity
    let result = search.run(ScriptedScorer(logits), prompt: [], rules: Self.rules)
    let best = try #require(Self.all(logits, most: 5).first)
    let found = try #require(result.hypotheses.first)
    #expect(found.tokens == best.tokens && found.isFinished && !result.metLoop)
    #expect(abs(Double(found.mean) - best.mean) < 1e-5)
    #expect(zip(result.hypotheses, result.hypotheses.dropFirst()).allSatisfy { $0.mean >= $1.mean })
  }

  @Test(arguments: 1...20) func aBeamOfOneIsGreedy(seed: UInt64) throws {
    let logits = Self.random(seed)
    var expected: [Int] = []
    var scores: [Double] = []
    while expected.count < 30 {
      let next = Self.probabilities(logits(expected))
      let token = try #require(next.indices.max { next[$0] < next[$1] })
      if token == Self.end { break }
      expected.append(token)
      scores.append(next[token])
    }
    let result = AttentionBeamSearch(beam: 1, mostTokens: 30, loopGuard: Self.noGuard)
      .run(ScriptedScorer(logits), prompt: [], rules: Self.rules)
    let found = try #require(result.hypotheses.first)
    #expect(result.hypotheses.count == 1 && found.tokens == expected)
    #expect(zip(found.scores, scores).allSatisfy { abs(Double($0) - $1) < 1e-5 })
  }

  /// Greedy takes 0 for its first token and pays later; two hypotheses see further.
  @Test func aBeamSeesFurther() {
    let logits: ([Int]) -> [Float] = { tokens in
      switch tokens {
      case []: [1, 0.9, -9, -9, -9, 0]
      case [1]: [-9, -9, -9, -9, 9, 0]
      default: [0, 0, 0, 0, 0.1, 0]
      }
    }
    func best(_ beam: Int) -> [Int]? {
      AttentionBeamSearch(beam: beam, mostTokens: 9)
        .run(ScriptedScorer(logits), prompt: [], rules: Self.rules).hypotheses.first?.tokens
    }
    #expect(best(1) == [0] && best(2) == [1])
  }

  /// The better start by 3 leads nowhere; the other one wins only where it is kept.
  @Test func whatIsFarBehindIsDropped() {
    let logits: ([Int]) -> [Float] = { tokens in
      switch tokens.first {
      case nil: [3, 0, -9, -9, -9, 0]
      case 0: tokens.count < 3 ? [0, 0, 0, 0, -9, 0] : [-9, -9, -9, -9, 9, 0]
      default: [-9, -9, -9, -9, 9, 0]
      }
    }
    func best(margin: Float) -> [Int]? {
      var search = AttentionBeamSearch(beam: 5, mostTokens: 9, loopGuard: Self.noGuard)
      search.margin = margin
      return search.run(ScriptedScorer(logits), prompt: [], rules: Self.rules).hypotheses.first?.tokens
    }
    #expect(best(margin: 2)?.first == 0)
    #expect(best(margin: 4)?.count == 3)
  }

  /// A model that wants to say 0 for ever, and may end at any time, or nearly never.
  @Test(arguments: [(1, 1), (1, -6), (5, -6)]) func loopsAreLeft(beam: Int, end: Float) {
    let scorer = ScriptedScorer { _ in [5, 0, 0, -1, end, 0] }
    let result = AttentionBeamSearch(beam: beam, mostTokens: 100)
      .run(scorer, prompt: [], rules: Self.rules)
    #expect(result.metLoop)
    #expect(end < 0 || result.hypotheses.first?.tokens == Array(repeating: 0, count: 7))
    for hypothesis in result.hypotheses {
      for count in 0...hypothesis.tokens.count {
        #expect(LoopGuard().pattern(in: Array(hypothesis.tokens.prefix(count))) == nil)
      }
    }
    let unguarded = AttentionBeamSearch(beam: beam, mostTokens: 100, loopGuard: Self.noGuard)
      .run(scorer, prompt: [], rules: Self.rules)
    #expect(!unguarded.metLoop)
    #expect(beam > 1 || unguarded.hypotheses.first?.tokens == Array(repeating: 0, count: 100))
  }

  @Test func whatDoesNotEndIsCutOff() {
    let endless: ([Int]) -> [Float] = { [Float($0.count % 2), 0.5, -1, -1, -.infinity, 0] }
    let result = AttentionBeamSearch(beam: 3, mostTokens: 6, loopGuard: Self.noGuard)
      .run(ScriptedScorer(endless), prompt: [], rules: Self.rules)
    #expect(result.hypotheses.count == 3)
    #expect(result.hypotheses.allSatisfy { !$0.isFinished && $0.tokens.count == 6 })
    #expect(result.hypotheses.first?.tokens == [1, 0, 1, 0, 1, 0])
    // The same where the model's memory is full.
    let full = AttentionBeamSearch(beam: 3, mostTokens: 6, loopGuard: Self.noGuard)
      .run(ScriptedScorer(room: 2, endless), prompt: [], rules: Self.rules)
    #expect(full.hypotheses.first?.tokens == [1, 0, 1])
  }

  @Test func nothingAllowedNothingFound() {
    for value in [-Float.infinity, .nan] {
      let scorer = ScriptedScorer { _ in Array(repeating: value, count: 6) }
      let result = AttentionBeamSearch(beam: 2, mostTokens: 5).run(scorer, prompt: [], rules: Self.rules)
      #expect(result.hypotheses.isEmpty && !result.metLoop)
    }
  }

  /// The probe sees all tokens, also those that the rules forbid.
  @Test func probesBeforeTheRules() {
    let scorer = ScriptedScorer { _ in [1, 2, 3, 0, -1, 4] }
    let search = AttentionBeamSearch(beam: 1, mostTokens: 3)
    let sum = [1, 2, 3, 0, -1, 4].reduce(0) { $0 + exp(Float($1)) }
    let probed = search.run(scorer, prompt: [], rules: Self.rules, probe: 5).probed
    #expect(abs(probed - (4 - log(sum))) < 1e-5)
    #expect(search.run(scorer, prompt: [], rules: Self.rules, probe: 99).probed == -.infinity)
  }
}
