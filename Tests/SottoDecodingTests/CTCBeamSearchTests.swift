// The search against the sum over all alignments, on vocabularies small enough to try everything.

import Foundation
import SottoKernels
import SottoTestSupport
import Testing

@testable import SottoDecoding

/// Scores that follow from the last three tokens and nothing else.
private struct HashScorer: FusionScorer {
  var seed: UInt64
  let start: UInt64 = 0

  private func score(_ state: UInt64) -> Float {
    var random = SplitMix(state: seed &+ state &* 77)
    return Float(random.nextUnit()) * 2
  }

  func advance(_ state: UInt64, by token: Int) -> (score: Float, state: UInt64) {
    let next = (state << 8 | UInt64(token + 1)) & 0xFF_FFFF
    return (score(next), next)
  }

  func finish(_ state: UInt64) -> Float { score(state ^ 0xFFFF_FFFF) }
}

@Suite struct CTCBeamSearchTests {
  static func search(
    _ scores: Matrix, options: CTCBeamSearch.Options, scorers: [any FusionScorer] = []
  ) throws -> CTCBeamSearch {
    var search = CTCBeamSearch(pieces: scores.columns - 1, options: options, scorers: scorers)
    try search.push(scores)
    return search
  }

  /// Feeds rows in blocks of random sizes, none among them.
  static func pushInBlocks(
    _ scores: Matrix, seed: UInt64, most: Int, to search: inout CTCBeamSearch,
    after: (inout CTCBeamSearch) -> Void = { _ in }
  ) throws {
    var random = SplitMix(state: seed)
    var first = 0
    while first < scores.rows {
      let end = min(first + Int.random(in: 0...most, using: &random), scores.rows)
      try search.push(scores.rows(first..<end))
      first = end
      after(&search)
    }
  }

  @Test(arguments: 1...24) func findsEveryTextWithItsProbability(seed: UInt64) throws {
    let scores = CTC.random(
      seed, frames: 1 + Int(seed % 7), classes: 2 + Int(seed % 3), sharpness: Double(seed % 5) + 0.5)
    let expected = CTC.everyText(scores)
    let found = try Self.search(scores, options: .exact(beam: 10_000)).hypotheses()
    #expect(Set(found.map(\.tokens)) == Set(expected.keys) && found.count == expected.count)
    for hypothesis in found {
      let probability = try #require(expected[hypothesis.tokens])
      #expect(abs(Double(hypothesis.total) - probability) < 1e-4)
    }
    #expect(zip(found, found.dropFirst()).allSatisfy { $0.total >= $1.total })
  }

  /// Some scores are -∞, so that texts die out and rows allow little.
  @Test(arguments: 1...12) func impossibleClasses(seed: UInt64) throws {
    var scores = CTC.random(seed, frames: 6, classes: 3)
    var random = SplitMix(state: seed)
    for row in 0..<6 { scores[row, Int.random(in: 0..<3, using: &random)] = -.infinity }
    let expected = CTC.everyText(scores)
    let found = try Self.search(scores, options: .exact(beam: 10_000)).hypotheses()
    #expect(Set(found.map(\.tokens)) == Set(expected.keys))
    for hypothesis in found {
      #expect(abs(Double(hypothesis.total) - (expected[hypothesis.tokens] ?? 0)) < 1e-4)
    }
  }

  @Test(arguments: 1...12) func scorersAddToEveryText(seed: UInt64) throws {
    let scores = CTC.random(seed, frames: 5, classes: 4)
    let scorers = [HashScorer(seed: seed), HashScorer(seed: seed + 100)]
    var options = CTCBeamSearch.Options.exact(beam: 10_000)
    options.insertion = 0.3
    let expected = Dictionary(
      uniqueKeysWithValues: CTC.everyText(scores).map { tokens, probability in
        var total = probability + 0.3 * Double(tokens.count)
        for scorer in scorers {
          var state = scorer.start
          for token in tokens {
            let (score, next) = scorer.advance(state, by: token)
            total += Double(score)
            state = next
          }
          total += Double(scorer.finish(state))
        }
        return (tokens, total)
      })
    let search = try Self.search(scores, options: options, scorers: scorers)
    let found = search.hypotheses(finishing: true)
    #expect(found.count == expected.count && found.allSatisfy(\.isFinished))
    for hypothesis in found {
      #expect(abs(Double(hypothesis.total) - (expected[hypothesis.tokens] ?? 0)) < 1e-4)
    }
    #expect(zip(found, found.dropFirst()).allSatisfy { $0.total >= $1.total })
    #expect(found.first?.tokens == expected.max { $0.value < $1.value }?.key)
  }

  /// A beam holds back probability, and never invents any.
  @Test(arguments: 1...20) func aNarrowBeamIsABound(seed: UInt64) throws {
    let scores = CTC.random(seed, frames: 7, classes: 4, sharpness: 3)
    let expected = CTC.everyText(scores)
    let best = try #require(expected.max { $0.value < $1.value })
    var found: [Int: [Hypothesis]] = [:]
    for beam in [2, 4, 40] {
      let hypotheses = try Self.search(scores, options: .init(beam: beam)).hypotheses()
      #expect((1...beam).contains(hypotheses.count))
      for hypothesis in hypotheses {
        #expect(Double(hypothesis.total) <= (expected[hypothesis.tokens] ?? -.infinity) + 1e-4)
      }
      found[beam] = hypotheses
    }
    #expect(found[40]?.first?.tokens == best.key)
  }

  @Test(arguments: 1...10) func greedyIsTheLikeliestClassOfEachFrame(seed: UInt64) throws {
    let scores = CTC.random(seed, frames: 300, classes: 2 + Int(seed), sharpness: 4)
    let path = CTC.likeliest(scores)
    let found = try Self.search(scores, options: .greedy).hypotheses()
    #expect(found.count == 1 && found[0].tokens == CTC.collapsed(path))
    let total = path.enumerated().reduce(0.0) { $0 + Double(scores[$1.offset, $1.element]) }
    #expect(abs(Double(found[0].total) - total) < 1e-3)
    // With scorers that say nothing it is the same; with others each new token is weighed by them.
    struct Nothing: FusionScorer {
      let start: UInt64 = 0
      func advance(_ state: UInt64, by token: Int) -> (score: Float, state: UInt64) { (0, 0) }
    }
    struct Never: FusionScorer {
      let start: UInt64 = 0
      func advance(_ state: UInt64, by token: Int) -> (score: Float, state: UInt64) {
        (token == 0 ? -100 : 0, 0)
      }
    }
    #expect(try Self.search(scores, options: .greedy, scorers: [Nothing()]).best == found[0])
    let others = try Self.search(scores, options: .greedy, scorers: [Never()]).best.tokens
    #expect(found[0].tokens.contains(0) && !others.contains(0))
  }

  @Test(arguments: [1, 4, 8]) func blocksOfAnySizeGiveTheSame(beam: Int) throws {
    for seed in UInt64(1)...6 {
      let scores = CTC.random(seed, frames: 240, classes: 12, sharpness: 5)
      let whole = try Self.search(scores, options: .init(beam: beam))
      for most in [1, 8, 100] {
        var pieces = CTCBeamSearch(pieces: 11, options: .init(beam: beam))
        try Self.pushInBlocks(scores, seed: seed, most: most, to: &pieces)
        #expect(pieces.hypotheses() == whole.hypotheses() && pieces.frames == 240)
      }
    }
  }

  /// What all hypotheses agree on can be taken out and nothing else changes: the same texts, totals and times.
  @Test(arguments: 1...8) func committingWhatIsStableChangesNothing(seed: UInt64) throws {
    let scores = CTC.random(seed, frames: 400, classes: 6, sharpness: 9)
    let scorers = [HashScorer(seed: seed)]
    for beam in [1, 6] {
      let whole = try Self.search(scores, options: .init(beam: beam), scorers: scorers)
      var stream = CTCBeamSearch(pieces: 5, options: .init(beam: beam), scorers: scorers)
      var committed = Hypothesis()
      try Self.pushInBlocks(scores, seed: seed, most: 20, to: &stream) { stream in
        let before = stream.best
        let stable = stream.stableCount
        #expect(stream.hypotheses().allSatisfy { $0.tokens.starts(with: before.tokens.prefix(stable)) })
        let part = stream.commit(stable)
        #expect(part.tokens + stream.best.tokens == before.tokens && stream.stableCount == 0)
        #expect(part.frames + stream.best.frames == before.frames)
        committed.tokens += part.tokens
        committed.frames += part.frames
      }
      #expect(committed.tokens.count > 20)
      let expected = whole.hypotheses()
      let found = stream.hypotheses()
      #expect(found.map { committed.tokens + $0.tokens } == expected.map(\.tokens))
      #expect(zip(found, expected).allSatisfy { abs($0.total - $1.total) < 1e-3 })
      #expect(stream.framesSinceToken == whole.framesSinceToken)
    }
  }

  /// What was committed stays, though others were likelier later, and hypotheses that had something else are gone.
  @Test func committingDecides() throws {
    // First 0 or 1, nearly alike; then 2.
    let first = CTC.matrix([[-9, log(0.52), log(0.47), -9], [-0.1, -9, -9, -9]])
    var search = try Self.search(first, options: .init(beam: 8, margin: .infinity))
    #expect(search.stableCount == 0 && search.best.tokens == [0])
    #expect(search.hypotheses().contains { $0.tokens == [1] })
    #expect(search.commit(1).tokens == [0] && search.best.tokens.isEmpty)
    try search.push(CTC.saying([3, 0], of: 4))
    #expect(search.best.tokens == [2])
    #expect(
      search.commit(5).tokens == [2] && search.commit(1).tokens.isEmpty && search.commit(-1).tokens.isEmpty)
    search.reset()
    #expect(search.best == Hypothesis() && search.framesSinceToken == nil && search.frames == 4)
  }

  /// A token that was committed while it was being said is not said again.
  @Test func repetitionsAcrossCommits() throws {
    for beam in [1, 8] {
      var search = try Self.search(CTC.saying([1, 1], of: 3), options: .init(beam: beam))
      #expect(search.commit(1).tokens == [0])
      try search.push(CTC.saying([1, 0], of: 3))
      #expect(search.best.tokens == [])
      try search.push(CTC.saying([1], of: 3))
      #expect(search.best.tokens == [0])
    }
  }

  /// A text that ends while a token is being said: the next one does not begin with it, unless it is said anew.
  @Test(arguments: [1, 8]) func textsThatEndWithinAToken(beam: Int) throws {
    var search = try Self.search(CTC.saying([2, 0, 1, 1], of: 3), options: .init(beam: beam))
    #expect(search.commit(1).tokens == [1])
    let ended = search.endText()
    #expect(ended.first?.tokens == [0] && ended.allSatisfy(\.isFinished))
    #expect(search.best == Hypothesis() && search.framesSinceToken == nil)
    try search.push(CTC.saying([1, 0], of: 3))
    #expect(search.best.tokens == [] && search.framesSinceToken == nil)
    try search.push(CTC.saying([1, 0, 0], of: 3))
    #expect(search.best.tokens == [0] && search.best.frames == [6] && search.framesSinceToken == 2)
    // Ended in silence, the same token is a new one at once.
    #expect(search.endText().first?.tokens == [0])
    try search.push(CTC.saying([1], of: 3))
    #expect(search.best.tokens == [0])
  }

  @Test(arguments: [1, 8]) func tokensHaveTheFrameInWhichTheyWereLikeliest(beam: Int) throws {
    var scores = CTC.saying([0, 0, 1, 1, 1, 0, 2, 0, 0, 2, 0, 0, 0], of: 4, probability: 0.9)
    scores[3, 1] = log(0.95)
    let search = try Self.search(scores, options: .init(beam: beam))
    #expect(search.best.tokens == [0, 1, 1] && search.best.frames == [3, 6, 9])
    #expect(search.best.scores.map { exp($0) }.allSatisfy { $0 > 0.89 && $0 < 0.96 })
    #expect(search.framesSinceToken == 3)
  }

  /// Passing over frames of silence quickly is no different from looking at them.
  @Test func certainBlanksAreSilence() throws {
    var random = SplitMix(state: 3)
    let classes = (0..<300).map { _ in
      Int.random(in: 0..<3, using: &random) == 0 ? Int.random(in: 1..<30, using: &random) : 0
    }
    let scores = CTC.saying(classes, of: 30, probability: 0.9995)
    for beam in [1, 8] {
      let quick = try Self.search(scores, options: .init(beam: beam))
      var options = CTCBeamSearch.Options(beam: beam)
      options.certainBlank = 2
      let slow = try Self.search(scores, options: options)
      #expect(quick.best.tokens == slow.best.tokens && quick.best.tokens == CTC.collapsed(classes))
      #expect(quick.best.frames == slow.best.frames)
    }
  }

  @Test(arguments: [1, 4]) func whatMakesNoSenseIsDefined(beam: Int) throws {
    let good = CTC.saying([1, 0, 2], of: 3)
    let plain = try Self.search(good, options: .init(beam: beam))
    for bad in [-Float.infinity, .nan] {
      // Rows that allow nothing change nothing but the count of frames.
      var search = CTCBeamSearch(pieces: 2, options: .init(beam: beam))
      for row in 0..<3 {
        try search.push(CTC.matrix([[bad, bad, bad]]))
        try search.push(good.rows(row..<(row + 1)))
      }
      #expect(search.best.tokens == plain.best.tokens && search.best.total == plain.best.total)
      #expect(search.frames == 6)
    }
    let mixed = try Self.search(
      CTC.matrix([[.nan, -1, -2], [.infinity, -1, .nan], [-3, .nan, 0.5]]), options: .init(beam: beam))
    #expect(mixed.best.tokens == [0, 1] && mixed.best.total <= 0 && mixed.best.total.isFinite)

    var search = CTCBeamSearch(pieces: 2, options: .init(beam: beam))
    #expect(throws: DecodingError.classes(got: 4, needed: 3)) {
      try search.push(Matrix(rows: 2, columns: 4))
    }
    try search.push(Matrix(rows: 0, columns: 3))
    #expect(search.best == Hypothesis() && search.frames == 0 && search.hypotheses(0).isEmpty)
    var nothing = CTCBeamSearch(pieces: -1, options: .init(beam: -5))
    try nothing.push(CTC.matrix([[-1], [-2]]))
    #expect(nothing.best.tokens.isEmpty && nothing.best.total == -3)
  }

  /// Noise that no two hypotheses agree on: what is open is never longer than the rule allows, and a block.
  @Test func memoryIsBounded() throws {
    let rule = CommitRule(minimumAge: 5, longestAge: 60)
    var search = CTCBeamSearch(pieces: 7, options: .init(beam: 8, margin: .infinity))
    for round in UInt64(1)...40 {
      let scores = CTC.random(round, frames: 256, classes: 8, sharpness: 1)
      try Self.pushInBlocks(scores, seed: round, most: 32, to: &search) {
        $0.commit(by: rule) { $0 == 0 }
      }
    }
    #expect(search.prefixes.tree.nodes.count < 8 * (60 + 32 + 8))
  }
}
