// The transducer's search against the sum over all ways, with a model of few tokens whose scores depend on the whole text.

import Foundation
import SottoKernels
import SottoTestSupport
import Testing

@testable import SottoDecoding

/// Scores that follow from what was heard (a number a row) and from all that was said; the onsets count as in the real one.
private struct HashModel: TransducerScorer {
  var classes: Int
  var sharpness = 2.0
  let width = 1
  let start: UInt64 = 1

  func extended(_ prefixes: [(prefix: UInt64, token: Int)]) -> [UInt64] {
    prefixes.map { $0.prefix &* 31 &+ UInt64($0.token + 7) }
  }

  func scores(_ heard: Float, _ onsets: [Float], _ prefix: UInt64) -> [Float] {
    var random = SplitMix(state: UInt64(heard) &* 1_000_003 &+ prefix)
    return CTC.normalized(onsets.map { Double($0) + random.nextUnit() * sharpness })
  }

  func score(_ heard: Matrix, onsets: [Float], after prefixes: [UInt64], into scores: inout Matrix) {
    scores = CTC.matrix(prefixes.map { self.scores(heard[0, 0], onsets, $0) })
  }
}

/// A reward for some pairs of tokens.
private struct Pairs: FusionScorer {
  let start: UInt64 = 99
  func advance(_ state: UInt64, by token: Int) -> (score: Float, state: UInt64) {
    ((state &+ 3 &* UInt64(token)) % 5 == 2 ? 1.5 : -0.2, UInt64(token))
  }
  func finish(_ state: UInt64) -> Float { state == 1 ? 0.7 : 0 }
}

private typealias Search = TransducerBeamSearch<HashModel>

@Suite struct TransducerBeamSearchTests {
  /// Rows of noise, and what the model hears in them.
  private static func rows(_ seed: UInt64, frames: Int, classes: Int, sharpness: Double = 2) -> (
    scores: Matrix, heard: Matrix
  ) {
    var random = SplitMix(state: seed)
    let heard = (0..<frames).map { _ in Float(Int.random(in: 0..<1000, using: &random)) }
    return (
      CTC.random(seed, frames: frames, classes: classes, sharpness: sharpness),
      Matrix(rows: frames, columns: 1, elements: heard)
    )
  }

  private static func search(
    _ rows: (scores: Matrix, heard: Matrix), _ options: StreamingSearchOptions,
    _ scorers: [any FusionScorer] = []
  ) throws -> Search {
    let classes = rows.scores.columns
    var search = Search(
      HashModel(classes: classes), pieces: classes - 1, options: options, scorers: scorers)
    try search.push(rows.scores, heard: rows.heard)
    return search
  }

  /// What begins in each frame, by definition.
  private static func onsets(_ scores: Matrix) -> [[Float]] {
    (0..<scores.rows).map { row in
      let now = scores.row(row).map { exp($0) }
      let before = row > 0 ? scores.row(row - 1).map { exp($0) } : now.map { _ in 0 }
      var values = zip(now, before).map { log(max($0 * (1 - $1), 1e-6)) }
      values[0] = log(now[0] + zip(now, before).dropFirst().reduce(0) { $0 + $1.0 * $1.1 })
      return values
    }
  }

  /// The probability of every text, summed over all ways to say at most one token in each row.
  private static func everyText(_ rows: (scores: Matrix, heard: Matrix)) -> [[Int]: Double] {
    let model = HashModel(classes: rows.scores.columns)
    let onsets = onsets(rows.scores)
    var sums: [[Int]: Double] = [:]
    func step(_ row: Int, _ text: [Int], _ prefix: UInt64, _ total: Double) {
      guard row < rows.scores.rows else {
        sums[text, default: 0] += exp(total)
        return
      }
      let scores = model.scores(rows.heard[row, 0], onsets[row], prefix)
      step(row + 1, text, prefix, total + Double(scores[0]))
      for token in 0..<(scores.count - 1) {
        step(
          row + 1, text + [token], model.extended([(prefix, token)])[0], total + Double(scores[token + 1]))
      }
    }
    step(0, [], model.start, 0)
    return sums.mapValues { log($0) }
  }

  @Test(arguments: 1...16) func findsEveryTextWithItsProbability(seed: UInt64) throws {
    let rows = Self.rows(seed, frames: 1 + Int(seed % 5), classes: 2 + Int(seed % 3))
    let expected = Self.everyText(rows)
    let found = try Self.search(rows, .exact(beam: 10_000)).hypotheses()
    #expect(Set(found.map(\.tokens)) == Set(expected.keys) && found.count == expected.count)
    for hypothesis in found {
      #expect(abs(Double(hypothesis.total) - (expected[hypothesis.tokens] ?? 0)) < 2e-4)
    }
    #expect(zip(found, found.dropFirst()).allSatisfy { $0.total >= $1.total })
  }

  @Test(arguments: 1...8) func scorersAddToEveryText(seed: UInt64) throws {
    let rows = Self.rows(seed, frames: 5, classes: 3)
    var options = StreamingSearchOptions.exact(beam: 10_000)
    options.insertion = 0.3
    let scorer = Pairs()
    let found = try Self.search(rows, options, [scorer]).hypotheses(finishing: true)
    let expected = Self.everyText(rows)
    #expect(found.count == expected.count && found.allSatisfy(\.isFinished))
    for hypothesis in found {
      var (state, added) = (scorer.start, Float(0))
      for token in hypothesis.tokens {
        let (score, next) = scorer.advance(state, by: token)
        added += score + 0.3
        state = next
      }
      added += scorer.finish(state)
      #expect(abs(hypothesis.fusion - added) < 1e-4)
      #expect(
        abs(Double(hypothesis.total - hypothesis.fusion) - (expected[hypothesis.tokens] ?? 0)) < 2e-4)
    }
  }

  @Test(arguments: 1...8) func narrowBeamsAndGreedySearch(seed: UInt64) throws {
    let rows = Self.rows(seed, frames: 6, classes: 3)
    let expected = Self.everyText(rows)
    for beam in [1, 3] {
      for hypothesis in try Self.search(rows, .init(beam: beam)).hypotheses() {
        #expect(Double(hypothesis.total) <= (expected[hypothesis.tokens] ?? -.infinity) + 1e-4)
      }
    }
    // Greedy: the likeliest class of each row after those before.
    let model = HashModel(classes: 3)
    var (text, prefix, frames) = ([Int](), model.start, [Int]())
    for (row, onsets) in Self.onsets(rows.scores).enumerated() {
      let scores = model.scores(rows.heard[row, 0], onsets, prefix)
      let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
      guard best > 0 else { continue }
      text.append(best - 1)
      frames.append(row)
      prefix = model.extended([(prefix, best - 1)])[0]
    }
    let found = try Self.search(rows, .greedy)
    #expect(found.best.tokens == text && found.best.frames == frames)
    #expect(found.framesSinceToken == frames.last.map { 5 - $0 })
  }

  @Test(arguments: [1, 6]) func blocksAndCommitsChangeNothing(beam: Int) throws {
    for seed in UInt64(1)...4 {
      let rows = Self.rows(seed, frames: 300, classes: 8, sharpness: 7)
      let whole = try Self.search(rows, .init(beam: beam), [Pairs()])
      for most in [1, 7, 90] {
        var stream = Search(HashModel(classes: 8), pieces: 7, options: .init(beam: beam), scorers: [Pairs()])
        var random = SplitMix(state: seed)
        var committed = Hypothesis()
        var first = 0
        while first < 300 {
          let end = min(first + Int.random(in: 0...most, using: &random), 300)
          try stream.push(rows.scores.rows(first..<end), heard: rows.heard.rows(first..<end))
          first = end
          let part = stream.commit(stream.stableCount)
          committed.tokens += part.tokens
        }
        let (expected, found) = (whole.hypotheses(), stream.hypotheses())
        #expect(committed.tokens.count > 10)
        #expect(found.map { committed.tokens + $0.tokens } == expected.map(\.tokens))
        #expect(zip(found, expected).allSatisfy { abs($0.total - $1.total) < 1e-3 })
        #expect(stream.framesSinceToken == whole.framesSinceToken && stream.frames == 300)
      }
    }
  }

  /// A token lasts for some rows of CTC's, and is said once, though the text may have ended in between; again after a blank.
  @Test(arguments: [1, 8]) func tokensAreSaidWhereTheyBegin(beam: Int) throws {
    var quiet = HashModel(classes: 3)
    quiet.sharpness = 0
    var search = Search(quiet, pieces: 2, options: .init(beam: beam))
    func push(_ classes: [Int]) throws {
      try search.push(
        CTC.saying(classes, of: 3, probability: 0.9995), heard: Matrix(rows: classes.count, columns: 1))
    }
    try push([0, 2, 2, 0, 1, 1])
    #expect(search.best.tokens == [1, 0] && search.best.frames == [1, 4])
    #expect(search.endText().first?.tokens == [1, 0])
    try push([1, 1, 0, 1])
    #expect(search.best.tokens == [0] && search.best.frames == [9])
    search.reset()
    try push([1])
    #expect(search.best.tokens == [0] && search.frames == 11)
  }

  /// Rows that are certain are not asked about, and the text is the same.
  @Test func certainBlanksCostNothing() throws {
    var random = SplitMix(state: 3)
    let classes = (0..<200).map { _ in
      Int.random(in: 0..<3, using: &random) == 0 ? Int.random(in: 1..<9, using: &random) : 0
    }
    let scores = CTC.saying(classes, of: 9, probability: 0.9995)
    let rows = (scores: scores, heard: Matrix(rows: 200, columns: 1, elements: (0..<200).map { Float($0) }))
    for beam in [1, 4] {
      var options = StreamingSearchOptions(beam: beam)
      let quick = try Self.search(rows, options)
      options.certainBlank = 2
      let slow = try Self.search(rows, options)
      #expect(quick.best.tokens == slow.best.tokens && quick.best.frames == slow.best.frames)
      #expect(quick.best.tokens.count > 40)
    }
  }

  @Test(arguments: [1, 4]) func whatMakesNoSenseIsDefined(beam: Int) throws {
    let rows = Self.rows(5, frames: 4, classes: 3)
    let plain = try Self.search(rows, .init(beam: beam))
    for bad in [-Float.infinity, .nan] {
      var search = Search(HashModel(classes: 3), pieces: 2, options: .init(beam: beam))
      for row in 0..<4 {
        try search.push(CTC.matrix([[bad, bad, bad]]), heard: Matrix(rows: 1, columns: 1))
        try search.push(rows.scores.rows(row..<(row + 1)), heard: rows.heard.rows(row..<(row + 1)))
      }
      #expect(search.best.tokens == plain.best.tokens && search.best.total == plain.best.total)
      #expect(search.frames == 8)
    }
    let odd = CTC.matrix([[.nan, -1, -2], [.infinity, -1, .nan], [-3, .nan, 0.5]])
    let mixed = try Self.search((odd, Matrix(rows: 3, columns: 1)), .init(beam: beam))
    #expect(mixed.best.total.isFinite && mixed.best.total <= 0)
    var search = Search(HashModel(classes: 3), pieces: 2)
    #expect(throws: DecodingError.classes(got: 4, needed: 3)) {
      try search.push(Matrix(rows: 2, columns: 4), heard: Matrix(rows: 2, columns: 1))
    }
    #expect(throws: DecodingError.heard(rows: 1, width: 2, neededRows: 2, neededWidth: 1)) {
      try search.push(Matrix(rows: 2, columns: 3), heard: Matrix(rows: 1, columns: 2))
    }
    #expect(search.best == Hypothesis() && search.frames == 0)
  }
}
