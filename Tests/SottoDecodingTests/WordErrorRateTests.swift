// Error counts equal those of jiwer, and alignments are alignments.

import Foundation
import Testing

@testable import SottoDecoding

@Suite struct WordErrorRateTests {
  struct Golden: Codable {
    var reference: String
    var hypothesis: String
    /// Hits, substitutions, deletions, insertions.
    var words: [Int]
    var characters: [Int]
  }

  static func golden() throws -> [Golden] {
    let url = try #require(
      Bundle.module.url(forResource: "wer", withExtension: "json", subdirectory: "Golden"))
    return try JSONDecoder().decode([Golden].self, from: Data(contentsOf: url))
  }

  private func list(_ counts: ErrorCounts) -> [Int] {
    [counts.hits, counts.substitutions, counts.deletions, counts.insertions]
  }

  @Test func countsEqualJiwer() throws {
    let pairs = try Self.golden()
    #expect(pairs.count >= 1000)
    for pair in pairs {
      let score = WordErrorRate(reference: pair.reference, hypothesis: pair.hypothesis, normalizer: nil)
      #expect(list(score.words) == pair.words, "\(pair.reference) | \(pair.hypothesis)")
      #expect(list(score.characters) == pair.characters, "\(pair.reference) | \(pair.hypothesis)")
    }
  }

  @Test func alignmentVisitsEverythingInOrder() throws {
    for pair in try Self.golden() {
      let score = WordErrorRate(reference: pair.reference, hypothesis: pair.hypothesis, normalizer: nil)
      var rows: [Int] = []
      var columns: [Int] = []
      for step in score.alignment.steps {
        switch step {
        case .match(let row, let column):
          #expect(score.reference[row] == score.hypothesis[column])
          rows.append(row)
          columns.append(column)
        case .substitution(let row, let column):
          #expect(score.reference[row] != score.hypothesis[column])
          rows.append(row)
          columns.append(column)
        case .deletion(let row): rows.append(row)
        case .insertion(let column): columns.append(column)
        }
      }
      #expect(rows == Array(score.reference.indices) && columns == Array(score.hypothesis.indices))
    }
  }

  @Test func halvingFindsAsFewErrorsAsTheTable() throws {
    for pair in try Self.golden() {
      let reference = pair.reference.unicodeScalars.map { Int32($0.value) }
      let hypothesis = pair.hypothesis.unicodeScalars.map { Int32($0.value) }
      var table = Aligner(reference: reference, hypothesis: hypothesis)
      table.align(0..<reference.count, 0..<hypothesis.count)
      var halved = Aligner(reference: reference, hypothesis: hypothesis)
      halved.tableLimit = 8
      halved.align(0..<reference.count, 0..<hypothesis.count)
      func errors(_ steps: [Alignment.Step]) -> Int {
        steps.count { if case .match = $0 { false } else { true } }
      }
      #expect(errors(table.steps) == errors(halved.steps))
    }
  }

  @Test func ratesOfNothing() {
    #expect(WordErrorRate(reference: "", hypothesis: "").words.rate == 0)
    #expect(WordErrorRate(reference: "", hypothesis: "a").words.rate == .infinity)
    #expect(WordErrorRate(reference: "two words", hypothesis: "").words.rate == 1)
    #expect(WordErrorRate(reference: "It's 1469!", hypothesis: "it’s fourteen sixty-nine").words.errors == 0)
  }

  @Test func bootstrap() throws {
    let counts = (0..<50).map { ErrorCounts(hits: 10 - $0 % 3, substitutions: $0 % 3) }
    let interval = try #require(BootstrapInterval(counts))
    #expect(interval == BootstrapInterval(counts))
    #expect(interval != BootstrapInterval(counts, seed: 2))
    let rate = counts.reduce(ErrorCounts(), +).rate
    // Standard error of the mean of values 0, 0.1, 0.2 over 50 recordings: 0.082 / √50 = 0.0115.
    #expect(
      abs(interval.low - (rate - 1.96 * 0.0115)) < 0.004
        && abs(interval.high - (rate + 1.96 * 0.0115)) < 0.004)
    let equal = try #require(
      BootstrapInterval(Array(repeating: ErrorCounts(hits: 9, insertions: 1), count: 7)))
    #expect(equal.low == equal.high)
    #expect(BootstrapInterval([]) == nil)
    #expect(BootstrapInterval([ErrorCounts(insertions: 3)]) == nil)
  }
}
