// What is a loop, and what still passes for speech.

import Foundation
import SottoTestSupport
import Testing

@testable import SottoDecoding

@Suite struct LoopGuardTests {
  let loopGuard = LoopGuard()

  /// `count` rounds of `length` tokens.
  static func rounds(_ count: Int, of length: Int) -> [Int] {
    (0..<count * length).map { 100 + $0 % length }
  }

  @Test(arguments: [(1, 7), (2, 4), (3, 3), (10, 3), (32, 3)])
  func oneRoundTooMany(length: Int, most: Int) {
    for before in [[], [1], [1, 2, 3, 4, 5]] {
      #expect(loopGuard.pattern(in: before + Self.rounds(most, of: length)) == nil)
      #expect(loopGuard.pattern(in: before + Self.rounds(most + 1, of: length)) == length)
      #expect(loopGuard.pattern(in: before + Self.rounds(most + 1, of: length).dropFirst()) == nil)
    }
  }

  @Test func onlyTheEndCounts() {
    #expect(loopGuard.pattern(in: Self.rounds(9, of: 1) + [1]) == nil)
    // A round that has begun is the same loop, shifted.
    #expect(loopGuard.pattern(in: Self.rounds(5, of: 2) + [100]) == 2)
    #expect(loopGuard.pattern(in: []) == nil)
    #expect(loopGuard.pattern(in: Self.rounds(9, of: 33)) == nil)
  }

  @Test func noLimitsNoLoops() {
    var lax = LoopGuard()
    lax.mostRepetitions = []
    #expect(lax.pattern(in: Self.rounds(100, of: 1)) == nil)
  }

  /// Against the definition, written out: the last tokens are so many equal blocks.
  @Test func agreesWithItsDefinition() {
    var random = SplitMix(state: 3)
    var loops = 0
    for _ in 0..<2000 {
      var tokens = (0..<Int.random(in: 0...12, using: &random)).map { _ in
        Int.random(in: 0...1, using: &random)
      }
      let round = (0..<Int.random(in: 1...5, using: &random)).map { _ in Int.random(in: 0...1, using: &random)
      }
      for _ in 0..<Int.random(in: 0...8, using: &random) { tokens += round }
      let expected = (1...32).first { length in
        let count = [7, 4, 3][min(length, 3) - 1] + 1
        guard tokens.count >= count * length else { return false }
        let blocks = (0..<count).map { tokens.dropLast($0 * length).suffix(length).map { $0 } }
        return Set(blocks).count == 1
      }
      loops += expected == nil ? 0 : 1
      #expect(loopGuard.pattern(in: tokens) == expected, "\(tokens)")
    }
    #expect(loops > 300)
  }

  @Test func oneRoundRemains() {
    #expect(loopGuard.unrolled([1, 2] + Self.rounds(6, of: 3)) == [1, 2, 100, 101, 102])
    #expect(loopGuard.unrolled([1] + Self.rounds(8, of: 1)) == [1, 100])
    #expect(loopGuard.unrolled([1, 1, 1]) == [1, 1, 1])
  }

  /// Real transcripts hold no loop at any moment.
  @Test func speechPasses() throws {
    struct Golden: Decodable { var tokens: [Int] }
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Golden/greedy-tokens.json")
    let transcripts = try JSONDecoder().decode([Golden].self, from: Data(contentsOf: path))
    #expect(transcripts.count >= 8)
    for tokens in transcripts.map(\.tokens) {
      for count in 0...tokens.count { #expect(loopGuard.pattern(in: Array(tokens.prefix(count))) == nil) }
    }
  }
}
