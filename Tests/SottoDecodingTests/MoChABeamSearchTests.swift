// The search with monotonic attention against the sum over all ways, with a model of few tokens whose scores depend on the whole
// text and on what was heard in the last rows.

import Foundation
import SottoKernels
import SottoTestSupport
import Testing

@testable import SottoDecoding

/// Scores that follow from the last two rows (a number each) and from all that was said; the onsets count as in the real one.
private struct HashModel: MonotonicScorer {
  var pieces: Int
  var sharpness = 2.0
  let width = 1
  let start: UInt64 = 1
  let silence: [Float] = []

  func extended(_ prefixes: [(prefix: UInt64, token: Int)]) -> [UInt64] {
    prefixes.map { $0.prefix &* 31 &+ UInt64($0.token + 7) }
  }

  func hear(_ row: Matrix, _ past: inout [Float]) { past = past.suffix(1) + [row[0, 0]] }

  private func random(_ past: [Float], _ prefix: UInt64) -> SplitMix {
    SplitMix(state: past.reduce(prefix) { $0 &* 1_000_003 &+ UInt64($1) })
  }

  func odds(_ past: [Float], _ onsets: [Float], _ prefix: UInt64) -> Float {
    var random = random(past, prefix)
    return log(max(1 - exp(onsets[0]), 1e-6)) - onsets[0] + Float(sharpness * (random.nextUnit() - 0.5))
  }

  func tokens(_ past: [Float], _ onsets: [Float], _ prefix: UInt64) -> [Float] {
    var random = random(past, prefix &+ 5)
    return CTC.normalized(onsets.dropFirst().map { Double($0) + random.nextUnit() * sharpness })
  }

  func stops(_ past: [Float], onsets: [Float], after prefixes: [UInt64]) -> [Float] {
    prefixes.map { odds(past, onsets, $0) }
  }

  func score(_ past: [Float], onsets: [Float], after prefixes: [UInt64], into scores: inout Matrix) {
    scores = CTC.matrix(prefixes.map { tokens(past, onsets, $0) })
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

private typealias Search = MoChABeamSearch<HashModel>

@Suite struct MoChABeamSearchTests {
  private typealias Rows = (scores: Matrix, heard: Matrix)

  /// Rows of noise, and what the model hears in them.
  private static func rows(_ seed: UInt64, frames: Int, classes: Int, sharpness: Double = 2) -> Rows {
    var random = SplitMix(state: seed)
    let heard = (0..<frames).map { _ in Float(Int.random(in: 0..<1000, using: &random)) }
    return (
      CTC.random(seed, frames: frames, classes: classes, sharpness: sharpness),
      Matrix(rows: frames, columns: 1, elements: heard)
    )
  }

  private static func search(
    _ rows: Rows, _ options: StreamingSearchOptions, _ scorers: [any FusionScorer] = []
  ) throws -> Search {
    let pieces = rows.scores.columns - 1
    var search = Search(HashModel(pieces: pieces), pieces: pieces, options: options, scorers: scorers)
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

  /// The probability of every text, summed over all ways to stop for at most one token in each row.
  private static func everyText(_ rows: Rows) -> [[Int]: Double] {
    let model = HashModel(pieces: rows.scores.columns - 1)
    let onsets = onsets(rows.scores)
    var sums: [[Int]: Double] = [:]
    func step(_ row: Int, _ text: [Int], _ prefix: UInt64, _ total: Double) {
      guard row < rows.scores.rows else {
        sums[text, default: 0] += exp(total)
        return
      }
      let past = (max(0, row - 1)...row).map { rows.heard[$0, 0] }
      let stop = 1 / (1 + exp(-Double(model.odds(past, onsets[row], prefix))))
      step(row + 1, text, prefix, total + log(1 - stop))
      for (token, score) in model.tokens(past, onsets[row], prefix).enumerated() {
        step(
          row + 1, text + [token], model.extended([(prefix, token)])[0], total + log(stop) + Double(score))
      }
    }
    step(0, [], model.start, 0)
    return sums.mapValues { log($0) }
  }

  @Test(arguments: 1...16) func findsEveryTextWithItsProbability(seed: UInt64) throws {
    let rows = Self.rows(seed, frames: 1 + Int(seed % 5), classes: 3 + Int(seed % 2))
    let expected = Self.everyText(rows)
    let found = try Self.search(rows, .exact(beam: 10_000)).hypotheses()
    #expect(Set(found.map(\.tokens)) == Set(expected.keys) && found.count == expected.count)
    for hypothesis in found {
      #expect(abs(Double(hypothesis.total) - (expected[hypothesis.tokens] ?? 0)) < 2e-4)
    }
    #expect(zip(found, found.dropFirst()).allSatisfy { $0.total >= $1.total })
  }

  @Test(arguments: 1...4) func scorersAddToEveryText(seed: UInt64) throws {
    let rows = Self.rows(seed, frames: 5, classes: 3)
    let scorer = Pairs()
    let found = try Self.search(rows, .exact(beam: 10_000), [scorer]).hypotheses(finishing: true)
    let expected = Self.everyText(rows)
    #expect(found.count == expected.count)
    for hypothesis in found {
      var (state, added) = (scorer.start, Float(0))
      for token in hypothesis.tokens {
        let (score, next) = scorer.advance(state, by: token)
        added += score
        state = next
      }
      added += scorer.finish(state)
      #expect(abs(hypothesis.fusion - added) < 1e-4)
      #expect(abs(Double(hypothesis.total - added) - (expected[hypothesis.tokens] ?? 0)) < 2e-4)
    }
  }

  @Test(arguments: 1...8) func greedyStopsWhereItIsLikelier(seed: UInt64) throws {
    let rows = Self.rows(seed, frames: 12, classes: 4)
    let model = HashModel(pieces: 3)
    var (text, prefix, frames, total) = ([Int](), model.start, [Int](), 0.0)
    for (row, onsets) in Self.onsets(rows.scores).enumerated() {
      let past = (max(0, row - 1)...row).map { rows.heard[$0, 0] }
      let stop = 1 / (1 + exp(-Double(model.odds(past, onsets, prefix))))
      guard stop > 0.5 else {
        total += log(1 - stop)
        continue
      }
      let tokens = model.tokens(past, onsets, prefix)
      let best = tokens.indices.max { tokens[$0] < tokens[$1] } ?? 0
      total += log(stop) + Double(tokens[best])
      text.append(best)
      frames.append(row)
      prefix = model.extended([(prefix, best)])[0]
    }
    let found = try Self.search(rows, .greedy)
    #expect(found.best.tokens == text && found.best.frames == frames)
    #expect(abs(Double(found.best.total) - total) < 1e-3)
    #expect(found.framesSinceToken == frames.last.map { 11 - $0 })
  }

  @Test(arguments: [1, 6]) func blocksAndCommitsChangeNothing(beam: Int) throws {
    for seed in UInt64(1)...3 {
      let rows = Self.rows(seed, frames: 300, classes: 8, sharpness: 7)
      let whole = try Self.search(rows, .init(beam: beam), [Pairs()])
      for most in [1, 7, 90] {
        var stream = Search(HashModel(pieces: 7), pieces: 7, options: .init(beam: beam), scorers: [Pairs()])
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
        #expect(committed.tokens.count > 10)
        #expect(
          stream.hypotheses().map { committed.tokens + $0.tokens } == whole.hypotheses().map(\.tokens))
        #expect(stream.framesSinceToken == whole.framesSinceToken && stream.frames == 300)
      }
    }
  }

  /// However much the model wants to go on: nothing where CTC is certain of silence, one token a row elsewhere, and a token that lasts
  /// is said once, though the text may have ended in between.
  @Test(arguments: [1, 8]) func nothingIsSaidWithoutCTC(beam: Int) throws {
    var quiet = HashModel(pieces: 2)
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
    try push([Int](repeating: 0, count: 500))
    #expect(search.best.tokens.isEmpty && search.framesSinceToken == nil)

    var eager = Search(HashModel(pieces: 2, sharpness: 1000), pieces: 2, options: .init(beam: beam))
    try eager.push(
      CTC.saying([Int](repeating: 0, count: 500), of: 3, probability: 0.9995),
      heard: Matrix(rows: 500, columns: 1))
    #expect(eager.best.tokens.isEmpty)
  }

  @Test(arguments: [1, 4]) func whatMakesNoSenseIsDefined(beam: Int) throws {
    let rows = Self.rows(5, frames: 3, classes: 3)
    for bad in [-Float.infinity, .nan] {
      var search = Search(HashModel(pieces: 2), pieces: 2, options: .init(beam: beam))
      try search.push(CTC.matrix([[bad, bad, bad]]), heard: Matrix(rows: 1, columns: 1))
      #expect(search.best == Hypothesis() && search.frames == 1)
    }
    let odd = CTC.matrix([[.nan, -1, -2], [.infinity, -1, .nan], [-3, .nan, 0.5]])
    let mixed = try Self.search((odd, rows.heard), .init(beam: beam))
    #expect(mixed.best.total.isFinite && mixed.best.total <= 0)
    var search = Search(HashModel(pieces: 2), pieces: 2)
    #expect(throws: DecodingError.classes(got: 4, needed: 3)) {
      try search.push(Matrix(rows: 2, columns: 4), heard: Matrix(rows: 2, columns: 1))
    }
    #expect(throws: DecodingError.heard(rows: 1, width: 2, neededRows: 2, neededWidth: 1)) {
      try search.push(Matrix(rows: 2, columns: 3), heard: Matrix(rows: 1, columns: 2))
    }
    #expect(search.best == Hypothesis() && search.frames == 0)
  }
}
