// Attention and element-wise operations, against plain sums in double precision, on every instruction set.

import CSottoKernels
import Foundation
import SottoTestSupport
import Testing

@testable import SottoKernels

@Suite struct AttentionTests {
  /// Queries, keys, width of a head.
  static let shapes = [(6, 16, 64), (1, 1, 8), (25, 100, 64), (7, 33, 20), (3, 5, 7)]

  @Test(arguments: InstructionSet.supported, shapes)
  func packedAttentionIsSoftmaxOfScores(set: InstructionSet, shape: (Int, Int, Int)) {
    var random = SplitMix(state: UInt64(shape.1))
    let (queries, count, dim) = shape
    let q = Self.values(queries * dim, using: &random)
    let k = Self.values(count * dim, using: &random)
    let v = Self.values(count * dim, using: &random)
    let bias = Self.values(count, using: &random)
    let kernels = set.kernels
    let width = kernels.panel_rows
    var packedKeys = [Float](repeating: .nan, count: (count + width - 1) / width * width * dim)
    var packedValues = [Float](repeating: .nan, count: (dim + width - 1) / width * width * count)
    kernels.attention_pack_keys(k, dim, count, dim, &packedKeys)
    kernels.attention_pack_values(v, dim, count, dim, &packedValues)
    let distance = (count + width - 1) / width * width
    var weights = [Float](repeating: 0, count: queries * distance)
    var out = [Float](repeating: 0, count: queries * dim)
    kernels.attention(
      q, dim, queries, packedKeys, packedValues, count, dim, 3, bias, &weights, distance, &out, dim)
    let expected = Self.attention(q: q, k: k, v: v, count: count, dim: dim, scale: 3, bias: bias)
    #expect(ProductTests.areClose(out, expected, 1e-5))
    for i in 0..<queries {
      let sum = weights[(i * distance)..<(i * distance + count)].reduce(0, +)
      #expect(abs(sum - 1) < 1e-5)
    }
  }

  @Test(arguments: InstructionSet.supported)
  func indexedAttentionReadsTheNamedRowsAlone(set: InstructionSet) {
    var random = SplitMix(state: 2)
    let (heads, dim, rows) = (3, 12, 9)
    let index: [Int32] = [7, 2, 4]
    let q = Self.values(heads * dim, using: &random)
    var k = Self.values(rows * heads * dim, using: &random)
    var v = Self.values(rows * heads * dim, using: &random)
    for row in 0..<rows where !index.contains(Int32(row)) {
      for column in 0..<(heads * dim) {
        k[row * heads * dim + column] = .nan
        v[row * heads * dim + column] = .nan
      }
    }
    var weights = [Float](repeating: 0, count: 3)
    var out = [Float](repeating: 0, count: heads * dim)
    set.kernels.attention_indexed(q, k, v, heads * dim, index, 3, heads, dim, 0.5, &weights, &out)
    for head in 0..<heads {
      let part = { (all: [Float], row: Int) in
        Array(all[(row * heads * dim + head * dim)..<(row * heads * dim + (head + 1) * dim)])
      }
      let expected = Self.attention(
        q: part(q, 0), k: index.flatMap { part(k, Int($0)) }, v: index.flatMap { part(v, Int($0)) }, count: 3,
        dim: dim, scale: 0.5, bias: [0, 0, 0])
      #expect(ProductTests.areClose(part(out, 0), expected, 1e-5))
    }
  }

  @Test(arguments: InstructionSet.supported, [1, 7, 8, 64, 101])
  func elementwiseOperations(set: InstructionSet, count: Int) {
    var random = SplitMix(state: UInt64(count))
    let kernels = set.kernels
    let x = Self.values(count, using: &random).map { $0 * 6 }

    var gelu = x
    kernels.gelu(&gelu, count)
    #expect(
      ProductTests.areClose(
        gelu, x.map { Float(Double($0) / 2 * (1 + erf(Double($0) / 2.0.squareRoot()))) }, 1e-6))

    var largest: Float = 0
    let sum = kernels.log_sum_exp(x + [-.infinity], count + 1, &largest)
    #expect(largest == x.max())
    #expect(abs(Double(sum) - log(x.reduce(0) { $0 + exp(Double($1)) })) < 1e-5)

    let gain = Self.values(count, using: &random)
    let bias = Self.values(count, using: &random)
    var normalized = [Float](repeating: 0, count: count)
    let shifted = x.map { $0 + 100 }
    kernels.layer_norm(shifted, 1, count, gain, bias, &normalized)
    let mean = shifted.reduce(0) { $0 + Double($1) } / Double(count)
    let variance = shifted.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(count)
    let expected = (0..<count).map {
      Float(
        (Double(shifted[$0]) - mean) / (variance + 1e-5).squareRoot() * Double(gain[$0]) + Double(bias[$0]))
    }
    #expect(ProductTests.areClose(normalized, expected, 1e-4))
  }

  @Test(arguments: InstructionSet.supported)
  func extremeScoresStayFinite(set: InstructionSet) {
    var largest: Float = 0
    let kernels = set.kernels
    #expect(kernels.log_sum_exp([1e30, -1e30, 3e30], 3, &largest) == 3e30)
    #expect(kernels.log_sum_exp(Array(repeating: -.infinity, count: 20), 20, &largest) == -.infinity)
    var values: [Float] = [-1e30, -100, -0.0, 0, 100, 1e30, -20, 20]
    kernels.gelu(&values, values.count)
    #expect(values == [0, 0, 0, 0, 100, 1e30, 0, 20])
  }

  static func values(_ count: Int, using random: inout SplitMix) -> [Float] {
    (0..<count).map { _ in Float(random.nextUnit()) }
  }

  static func attention(
    q: [Float], k: [Float], v: [Float], count: Int, dim: Int, scale: Double, bias: [Float]
  ) -> [Float] {
    stride(from: 0, to: q.count, by: dim).flatMap { first -> [Float] in
      let scores = (0..<count).map { key in
        scale * (0..<dim).reduce(0) { $0 + Double(q[first + $1]) * Double(k[key * dim + $1]) }
          + Double(bias[key])
      }
      let top = scores.max() ?? 0
      let weights = scores.map { exp($0 - top) }
      let sum = weights.reduce(0, +)
      return (0..<dim).map { d in
        Float((0..<count).reduce(0) { $0 + weights[$1] / sum * Double(v[$1 * dim + d]) })
      }
    }
  }
}
