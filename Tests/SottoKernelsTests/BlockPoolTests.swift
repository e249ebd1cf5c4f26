// Blocks of memory that are used again.

import Testing

@testable import SottoKernels

@Suite struct BlockPoolTests {
  @Test func matricesAreZeroHoweverOftenTheirMemoryWasUsed() {
    for size in [10, 1 << 10, 1 << 17, 1 << 18, 3 << 18, 1 << 22] {
      for _ in 0..<3 {
        var matrix = Matrix(rows: 1, columns: size)
        #expect(matrix[0, 0] == 0 && matrix[0, size / 2] == 0 && matrix[0, size - 1] == 0)
        matrix[0, 0] = 1
        matrix[0, size / 2] = 1
        matrix[0, size - 1] = 1
      }
    }
  }

  @Test func blocksInUseAreNotGivenAgain() {
    let blocks = (0..<20).map { index in
      let buffer = AlignedBuffer<Float>(count: 100_000 + 1000 * index, zeroed: false)
      for place in 0..<buffer.count { buffer.pointer[place] = Float(index) }
      return buffer
    }
    for (index, buffer) in blocks.enumerated() {
      #expect(UInt(bitPattern: buffer.pointer) % 64 == 0)
      #expect((0..<buffer.count).allSatisfy { buffer.pointer[$0] == Float(index) })
    }
  }
}
