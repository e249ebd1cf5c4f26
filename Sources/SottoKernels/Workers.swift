// Work spread over threads.

import Foundation

/// A number of threads that share loops.
public struct Workers: Sendable {
  /// At least 1.
  public let count: Int

  /// - Parameter count: 0 for one thread a core.
  public init(count: Int = 0) {
    self.count = count > 0 ? count : max(ProcessInfo.processInfo.activeProcessorCount, 1)
  }

  public static let one = Workers(count: 1)

  /// Calls `body` with ranges that together cover `0..<count`, in as many pieces as there are threads. The pieces
  /// start at multiples of `step`.
  public func split(_ count: Int, step: Int = 1, _ body: @Sendable (Range<Int>) -> Void) {
    let steps = (count + step - 1) / step
    let pieces = min(self.count, steps, WorkerPool.mostPieces)
    if pieces <= 1 {
      if count > 0 { body(0..<count) }
      return
    }
    WorkerPool.shared.run(pieces: pieces, threads: pieces) { piece in
      let begin = steps * piece / pieces * step
      let end = min(steps * (piece + 1) / pieces * step, count)
      if begin < end { body(begin..<end) }
    }
  }
}
