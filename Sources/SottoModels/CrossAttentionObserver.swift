// Where in the audio the decoder looks: the source of word times.

import SottoKernels
import Synchronization

/// Gathers the attention of chosen heads, averaged over them, as tokens are fed: [tokens, frames].
public final class CrossAttentionObserver: Sendable {
  private let heads: [(layer: Int, head: Int)]
  private let frames: Int
  private let sums: Mutex<[[Float]]>

  /// - Parameters:
  ///   - frames: encoder frames to keep, from the first.
  public init(_ decoder: AttentionDecoder, tokens: Int, frames: Int) {
    heads = decoder.alignmentHeads
    self.frames = frames
    sums = Mutex(Array(repeating: Array(repeating: 0, count: heads.count * frames), count: tokens))
  }

  /// The weights of each chosen head for each token fed: [token][head * frames + frame].
  public var weights: [[Float]] { sums.withLock { $0 } }
  public var headCount: Int { heads.count }

  func forLayer(_ layer: Int) -> (@Sendable (Int, Int, UnsafePointer<Float>, Int, Int) -> Void)? {
    let wanted = heads.enumerated().filter { $0.element.layer == layer }.map { ($0.offset, $0.element.head) }
    if wanted.isEmpty { return nil }
    return { [self] first, head, weights, queries, distance in
      guard let place = wanted.first(where: { $0.1 == head })?.0 else { return }
      sums.withLock { sums in
        for query in 0..<queries where first + query < sums.count {
          for frame in 0..<min(frames, distance) {
            sums[first + query][place * frames + frame] = weights[query * distance + frame]
          }
        }
      }
    }
  }
}
