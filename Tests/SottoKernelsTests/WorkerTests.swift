// Loops that threads share.

import Glibc
import Synchronization
import Testing

@testable import SottoKernels

@Suite struct WorkerTests {
  @Test func everyPieceIsComputedOnce() {
    for count in [0, 1, 2, 7, 64, 1000] {
      for step in [1, 8] {
        let seen = Matrix(rows: 1, columns: max(count, 1))
        let counts = Mutex([Int](repeating: 0, count: seen.columns))
        Workers(count: 5).split(count, step: step) { range in
          #expect(range.lowerBound % step == 0)
          counts.withLock { counts in for index in range { counts[index] += 1 } }
        }
        #expect(counts.withLock { $0[..<count].allSatisfy { $0 == 1 } })
      }
    }
  }

  /// Thousands of short loops, from several threads at once and from within loops: none may be lost or mixed up.
  @Test func loopsFromManyThreadsAndWithinLoops() async {
    await withTaskGroup(of: Int.self) { group in
      for task in 0..<4 {
        group.addTask {
          var wrong = 0
          for round in 0..<2000 {
            let sum = Atomic<Int>(0)
            Workers(count: 3).split(6) { outer in
              for index in outer {
                Workers(count: 2).split(4) { inner in
                  for other in inner { sum.add(task + round + index * other, ordering: .relaxed) }
                }
              }
            }
            // 24 terms, and (0 + ... + 5) * (0 + ... + 3).
            if sum.load(ordering: .relaxed) != 24 * (task + round) + 15 * 6 { wrong += 1 }
          }
          return wrong
        }
      }
      for await wrong in group { #expect(wrong == 0) }
    }
  }

  /// Helpers sleep when there is nothing to do.
  @Test func idleThreadsUseNoProcessorTime() {
    for _ in 0..<3 {
      Workers(count: 4).split(4) { _ in }
      usleep(20_000)
    }
    let helpers = WorkerPool()
    let loops = 5
    for _ in 0..<loops {
      helpers.run(pieces: 3, threads: 3) { _ in }
      usleep(5000)
    }
    #expect(helpers.sleeping == 2)
  }
}
