// When tokens begin, from attention.

import SottoTestSupport
import Testing

@testable import SottoDecoding

@Suite struct CrossAttentionAlignmentTests {
  /// Attention of each token to its own frames, from its start to the next one's.
  static func weights(starts: [Int], frames: Int) -> [[Float]] {
    starts.indices.map { token in
      let end = token + 1 < starts.count ? starts[token + 1] : frames
      return (0..<frames).map { (starts[token]..<end).contains($0) ? 1 : 0 }
    }
  }

  @Test(arguments: [[0, 10, 20, 30], [0, 25, 30, 36], [0, 5]])
  func findsWhereTokensBegin(starts: [Int]) {
    let weights = Self.weights(starts: starts, frames: 40)
    #expect(CrossAttentionAlignment.starts(weights: weights, heads: 1, frames: 40) == starts)
    // A second head that looks nowhere in particular, and flickers of one frame, change nothing.
    var worse = weights.map { $0 + [Float](repeating: 0.025, count: 40) }
    for token in worse.indices { worse[token][(token * 17 + 13) % 40] += 1 }
    #expect(CrossAttentionAlignment.starts(weights: worse, heads: 2, frames: 40) == starts)
  }

  @Test func neverGoesBackOrOutside() {
    var random = SplitMix(state: 5)
    for _ in 0..<100 {
      let frames = Int.random(in: 1...50, using: &random)
      let heads = Int.random(in: 1...3, using: &random)
      let weights = (0..<Int.random(in: 1...12, using: &random)).map { _ in
        (0..<heads * frames).map { _ in Float(random.nextUnit()) }
      }
      let starts = CrossAttentionAlignment.starts(weights: weights, heads: heads, frames: frames)
      #expect(starts.count == weights.count && starts.first == 0)
      #expect(zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 })
      #expect(starts.allSatisfy { (0..<frames).contains($0) })
    }
  }

  @Test func nothingToAlign() {
    #expect(CrossAttentionAlignment.starts(weights: [], heads: 1, frames: 5) == [])
    #expect(CrossAttentionAlignment.starts(weights: [[], []], heads: 0, frames: 5) == [0, 0])
    #expect(CrossAttentionAlignment.starts(weights: [[1, 2], [1]], heads: 1, frames: 2) == [0, 0])
    // Attention that says nothing: no trap, and in order.
    let flat = [[Float]](repeating: [Float](repeating: 0.1, count: 8), count: 3)
    let starts = CrossAttentionAlignment.starts(weights: flat, heads: 1, frames: 8)
    #expect(starts == starts.sorted())
  }
}
