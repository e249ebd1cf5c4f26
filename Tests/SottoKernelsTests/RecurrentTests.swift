// Steps of an LSTM and attention to a window of frames, against plain sums in double precision.

import CSottoKernels
import Foundation
import SottoTestSupport
import Testing

@testable import SottoKernels

@Suite struct RecurrentTests {
  private static func values(_ count: Int, scale: Float = 1, using random: inout SplitMix) -> [Float] {
    (0..<count).map { _ in Float(random.nextUnit()) * scale }
  }

  @Test(arguments: InstructionSet.supported, [1, 8, 13, 384]) func stepOfAnLSTM(
    set: InstructionSet, width: Int
  ) {
    var random = SplitMix(state: UInt64(width))
    let a = Self.values(4 * width, scale: 6, using: &random)
    let b = Self.values(4 * width, scale: 2, using: &random)
    let before = Self.values(width, scale: 3, using: &random)
    // What lies behind must not change.
    var cell = before + [77]
    var hidden = [Float](repeating: 5, count: width) + [77]
    set.kernels.lstm_cell(a, b, width, &cell, &hidden)
    #expect(cell[width] == 77 && hidden[width] == 77)
    for i in 0..<width {
      func gate(_ index: Int) -> Double { Double(a[index * width + i]) + Double(b[index * width + i]) }
      func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
      let c = sigmoid(gate(1)) * Double(before[i]) + sigmoid(gate(0)) * tanh(gate(2))
      #expect(abs(Double(cell[i]) - c) < 2e-6)
      #expect(abs(Double(hidden[i]) - sigmoid(gate(3)) * tanh(c)) < 2e-6)
    }
  }

  @Test(arguments: InstructionSet.supported) func saturatedGatesStayFinite(set: InstructionSet) {
    for extreme: Float in [1e30, -1e30, .infinity, -.infinity] {
      var (cell, hidden) = ([Float](repeating: 1, count: 9), [Float](repeating: 1, count: 9))
      set.kernels.lstm_cell(
        [Float](repeating: extreme, count: 36), [Float](repeating: 0, count: 36), 9, &cell, &hidden)
      #expect(cell.allSatisfy { abs($0) <= 2 } && hidden.allSatisfy { abs($0) <= 1 })
    }
  }

  /// A ring of frames gives what attention to the last of them gives, whatever their number.
  @Test(arguments: [(5, 3), (16, 16), (37, 8), (24, 5)]) func windowRemembersTheNewestFrames(
    capacity: Int, room: Int
  ) {
    var random = SplitMix(state: 3)
    let (heads, dimension) = (3, 12)
    let width = heads * dimension
    let window = AttentionWindow(capacity: capacity, heads: heads, dimension: dimension)
    var frames: [[Float]] = []
    for step in 0..<20 {
      // Now and then fewer frames than there is room for: the oldest go all the same.
      let count = step % 7 == 6 ? max(room - 2, 1) : room
      let new = (0..<count).map { _ in Self.values(3 * width, using: &random) }
      let chunk = Matrix(rows: count, columns: 3 * width, elements: new.flatMap { $0 })
      window.append(chunk, keyColumn: width, valueColumn: 2 * width, room: room)
      frames.append(contentsOf: new + (count..<room).map { _ in [] })
      let seen = frames.suffix(capacity).filter { !$0.isEmpty }
      let all = Matrix(rows: seen.count, columns: 3 * width, elements: seen.flatMap { $0 })
      let memory = AttentionMemory(
        keys: all, keyColumn: width, values: all, valueColumn: 2 * width, heads: heads, dimension: dimension)
      var result = Matrix(rows: 0, columns: 0)
      window.attend(chunk, into: &result)
      #expect(ProductTests.areClose(result.elements, memory.attend(chunk).elements, 1e-5))
    }
    window.clear()
    let one = Matrix(rows: 1, columns: 3 * width, elements: Self.values(3 * width, using: &random))
    window.append(one, keyColumn: width, valueColumn: 2 * width, room: room)
    var result = Matrix(rows: 0, columns: 0)
    window.attend(one, into: &result)
    #expect(ProductTests.areClose(result.elements, Array(one.elements[(2 * width)...]), 1e-6))
  }

  @Test func logSoftmax() {
    var scores = Matrix(rows: 2, columns: 3, elements: [1, 2, 3, 1000, 0, -1000])
    scores.applyLogSoftmax()
    let expected: [Float] = [-2.407606, -1.407606, -0.407606, 0, -1000, -2000]
    #expect(zip(scores.elements, expected).allSatisfy { abs($0 - $1) < 1e-5 * max(1, abs($1)) })
  }
}
