// Searches with biasing against trying everything, on vocabularies small enough for it.

import Foundation
import SottoKernels
import SottoTestSupport
import Testing

@testable import SottoDecoding

@Suite struct BiasedSearchTests {
  // MARK: CTC

  private static let pieces = ["▁a", "▁b", "a", "b"]
  private static let phrases = [BiasPhrase("ab a"), BiasPhrase("ba", weight: 0.5), BiasPhrase("b aab")]
  /// Their least tokens are 3, 2 and 4.
  private static let scan = PhraseScan(
    phrases: [(Array("ab a".utf8), 3), (Array("ba".utf8), 1), (Array("b aab".utf8), 4)])

  private static func bias(_ weight: Float = 1) throws -> ContextBias {
    try ContextBias(BiasList(phrases, weight: weight), vocabulary: PieceVocabulary(pieces: pieces))
  }

  /// What the phrases in a text of pieces earn at a weight of 1.
  private static func earned(_ tokens: [Int]) -> Float {
    // Words begin with a space, the first one too.
    scan(tokens.flatMap { Array(pieces[$0].replacing("▁", with: " ").utf8) })
  }

  private static func search(
    _ scores: Matrix, _ options: CTCBeamSearch.Options, _ scorers: [any FusionScorer]
  ) throws -> [Hypothesis] {
    var search = CTCBeamSearch(pieces: pieces.count, options: options, scorers: scorers)
    try search.push(scores)
    return search.hypotheses(finishing: true)
  }

  @Test(arguments: 1...16) func everyTextEarnsItsPhrases(seed: UInt64) throws {
    let scores = CTC.random(seed, frames: 6, classes: 5)
    let found = try Self.search(scores, .exact(beam: 20_000), [Self.bias()])
    let expected = CTC.everyText(scores)
    #expect(found.count == expected.count)
    for hypothesis in found {
      let earned = Self.earned(hypothesis.tokens)
      #expect(hypothesis.fusion == earned)
      #expect(abs(Double(hypothesis.total) - (expected[hypothesis.tokens] ?? 0) - Double(earned)) < 1e-4)
    }
    let best = expected.max {
      $0.value + Double(Self.earned($0.key)) < $1.value + Double(Self.earned($1.key))
    }
    #expect(found.first?.tokens == best?.key)
  }

  /// The beam of one included: what was added for matches that failed is gone, to the last bit.
  @Test(arguments: [1, 2, 8]) func refundsAreExactInAnyBeam(beam: Int) throws {
    var matches = 0
    for seed in UInt64(1)...12 {
      let scores = CTC.random(seed, frames: 300, classes: 5, sharpness: 5)
      let bias = try Self.bias()
      let found = try Self.search(scores, .init(beam: beam), [bias])
      let best = try #require(found.first)
      #expect(best.fusion == Self.earned(best.tokens))
      matches += Int(best.fusion)
    }
    #expect(matches > 100)
  }

  /// Phrases that are not there change nothing where the model is sure, however much they count.
  @Test(arguments: [1, 8]) func failedMatchesCostNothing(beam: Int) throws {
    // "a baa b b a": "ba" goes on, and of "b aab" the end is missing.
    let said = [1, 0, 2, 0, 3, 0, 3, 0, 2, 0, 2, 0, 1, 0]
    let scores = CTC.saying(said, of: 5, probability: 0.999)
    let plain = try Self.search(scores, .init(beam: beam), [])
    let biased = try Self.search(scores, .init(beam: beam), [Self.bias(2)])
    #expect(biased.first?.tokens == plain.first?.tokens && plain.first?.tokens == CTC.collapsed(said))
    #expect(biased.first?.fusion == 0)
    #expect(abs((biased.first?.total ?? 0) - (plain.first?.total ?? 1)) < 1e-4)
  }

  @Test(arguments: [1, 8]) func aPhraseWinsWhereTheModelDoubts(beam: Int) throws {
    func row(_ likely: [Int: Float]) -> [Float] {
      (0..<5).map { log(likely[$0] ?? 0.01) }
    }
    let scores = CTC.matrix([
      row([1: 0.97]), row([0: 0.97]), row([3: 0.6, 4: 0.37]), row([0: 0.97]), row([1: 0.5, 2: 0.47]),
    ])
    #expect(try Self.search(scores, .init(beam: beam), []).first?.tokens == [0, 2, 0])
    #expect(try Self.search(scores, .init(beam: beam), [Self.bias()]).first?.tokens == [0, 3, 0])
  }

  /// Tokens that are not among the few that are tried come in where a phrase wants them.
  @Test func favouredTokensAreTried() throws {
    var options = CTCBeamSearch.Options(beam: 4)
    options.tokensPerFrame = 1
    let scores = CTC.matrix([[-4, -0.2, -3, -4, -5], [-0.1, -5, -5, -5, -5], [-4, -5, -5, -0.5, -2]])
    #expect(try Self.search(scores, options, []).first?.tokens == [0, 2])
    let phrase = BiasList([BiasPhrase("ab")], weight: 1)
    let bias = try ContextBias(phrase, vocabulary: PieceVocabulary(pieces: Self.pieces))
    #expect(try Self.search(scores, options, [bias]).first?.tokens == [0, 3])
  }

  // MARK: Attention

  private static let tokens = ["a", " b", "b", " a", "", ""]

  private static func attentionBias() throws -> ContextBias {
    try ContextBias(
      BiasList(phrases, weight: 1), vocabulary: ContextBiasTests.vocabulary(tokens),
      textTokens: AttentionBeamSearchTests.end)
  }

  private static func text(_ tokens: [Int]) -> [UInt8] { tokens.flatMap { Array(Self.tokens[$0].utf8) } }

  @Test(arguments: 1...40) func attentionFindsTheBestOfAll(seed: UInt64) throws {
    let logits = AttentionBeamSearchTests.random(seed)
    var search = AttentionBeamSearch(beam: 2000, mostTokens: 5, loopGuard: AttentionBeamSearchTests.noGuard)
    search.margin = .infinity
    search.scorers = [try Self.attentionBias()]
    search.wanted = .max
    let result = search.run(ScriptedScorer(logits), prompt: [], rules: AttentionBeamSearchTests.rules)
    // The longest has four tokens and its end, over which what is earned is spread.
    let all = AttentionBeamSearchTests.all(logits, most: 5).map { tokens, mean in
      (tokens, mean + Double(Self.scan(Self.text(tokens))) / 5)
    }
    let best = all.max { $0.1 < $1.1 }
    let found = try #require(result.hypotheses.first)
    #expect(found.tokens == best?.0 && result.hypotheses.count == all.count)
    #expect(abs(Double(found.value(length: 5)) - (best?.1 ?? 0)) < 1e-5)
    for hypothesis in result.hypotheses {
      #expect(hypothesis.fusion == Self.scan(Self.text(hypothesis.tokens)))
    }
  }

  @Test(arguments: [1, 3, 5]) func attentionRefundsAreExact(beam: Int) throws {
    var matches: Float = 0
    for seed in UInt64(1)...30 {
      var search = AttentionBeamSearch(
        beam: beam, mostTokens: 20, loopGuard: AttentionBeamSearchTests.noGuard)
      search.scorers = [try Self.attentionBias()]
      let random = AttentionBeamSearchTests.random(seed)
      // Not too soon an end; some are cut off.
      let result = search.run(
        ScriptedScorer { tokens in random(tokens).enumerated().map { $0 == 4 ? $1 - 2 : $1 } }, prompt: [],
        rules: AttentionBeamSearchTests.rules)
      for hypothesis in result.hypotheses {
        #expect(hypothesis.fusion == Self.scan(Self.text(hypothesis.tokens)))
        matches += hypothesis.fusion
      }
    }
    #expect(matches > 20)
  }

  /// Greedy search takes a token for a phrase's sake, and goes on as before where the phrase does not come.
  @Test func greedyAttention() throws {
    func found(_ logits: @escaping ([Int]) -> [Float], _ scorers: [any FusionScorer]) -> [Int]? {
      var search = AttentionBeamSearch(beam: 1, mostTokens: 9)
      search.scorers = scorers
      return search.run(ScriptedScorer(logits), prompt: [], rules: AttentionBeamSearchTests.rules)
        .hypotheses.first?.tokens
    }
    let doubtful: ([Int]) -> [Float] = { tokens in
      [[-9, -9, -9, 5, -9, 0], [0.5, -9, 0, -9, -9, 0], [-9, -9, -9, 5, -9, 0], [-9, -9, -9, -9, 5, 0]][
        min(tokens.count, 3)]
    }
    #expect(found(doubtful, []) == [3, 0, 3])
    #expect(try found(doubtful, [Self.attentionBias()]) == [3, 2, 3])
    // " a", "b", and then another word where the phrase has " a": the end is no likelier for it.
    let other: ([Int]) -> [Float] = { tokens in
      [[-9, -9, -9, 5, -9, 0], [-9, -9, 5, -9, -9, 0], [-9, 5, -9, -9, 3, 0], [-9, -9, -9, -9, 5, 0]][
        min(tokens.count, 3)]
    }
    #expect(try found(other, [Self.attentionBias()]) == [3, 2, 1])
  }

  // MARK: Pruning

  /// What may be taken back yet neither moves the floor nor fills the beam.
  @Test func theSurestStays() {
    var ranked: [Int] = []
    let near = Pruning(beam: 2, margin: 3).rank([9, 8, 5, 1], tentative: [8, 7, 0, 0], into: &ranked)
    #expect(near == 3 && ranked == [0, 1, 2])
    // The beam is full without trials, and there are as many beside it at most.
    let full = Pruning(beam: 2).rank(
      [9, 8.5, 8, 7.9, 5, 4], tentative: [8, 8, 8, 8, 0, 0], into: &ranked)
    #expect(full == 4 && ranked == [0, 1, 4, 5])
    // In a beam of one it goes on, and beside it what would be better if nothing were taken back.
    let count = Pruning(beam: 1).rank([9, 8, 5, 1], tentative: [8, 1, 0, 0], into: &ranked)
    #expect(count == 2 && ranked == [0, 1, 2, 3])
    let alone = Pruning(beam: 1).rank([7, 8, 5], tentative: [1, 1, 0], into: &ranked)
    #expect(alone == 1 && ranked == [1, 0, 2])
    Pruning(beam: 3, margin: 3).rank([9, 8, 5, 1], into: &ranked)
    #expect(ranked == [0, 1])
  }
}
