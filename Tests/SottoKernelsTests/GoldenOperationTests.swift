// Single operations against PyTorch (Tests/Golden/operations.json).

import Foundation
import SottoTestSupport
import Testing

@testable import SottoKernels

@Suite struct GoldenOperationTests {
  /// Nested arrays of numbers as a matrix; lists as one row.
  private static func operation(_ name: String) throws -> [String: [[Float]]] {
    let data = try Data(contentsOf: URL(filePath: TestSignal.goldenPath("operations.json")))
    let all = try #require(try JSONSerialization.jsonObject(with: data) as? [String: [String: Any]])
    return try #require(all[name]).mapValues { value in
      if let rows = value as? [[NSNumber]] { return rows.map { $0.map(\.floatValue) } }
      if let row = value as? [NSNumber] { return [row.map(\.floatValue)] }
      // Convolution weights [outputs][inputs][kernel] as [outputs][kernel * inputs].
      let outputs = value as? [[[NSNumber]]] ?? []
      return outputs.map { inputs in
        (0..<(inputs.first?.count ?? 0)).flatMap { k in inputs.map { $0[k].floatValue } }
      }
    }
  }

  private static func matrix(_ rows: [[Float]]?) -> Matrix {
    let rows = rows ?? []
    return Matrix(rows: rows.count, columns: rows.first?.count ?? 0, elements: rows.flatMap { $0 })
  }

  private static func expectClose(_ result: Matrix, _ golden: [[Float]]?) {
    let expected = (golden ?? []).flatMap { $0 }
    let scale = expected.map(abs).max() ?? 0
    #expect(result.elements.count == expected.count && scale > 0)
    #expect(zip(result.elements, expected).allSatisfy { abs($0 - $1) <= 1e-5 * scale })
  }

  @Test func layerNorm() throws {
    let golden = try Self.operation("layerNorm")
    let result = Self.matrix(golden["input"])
      .layerNormalized(gain: golden["weight"]?[0] ?? [], bias: golden["bias"]?[0] ?? [])
    Self.expectClose(result, golden["output"])
  }

  @Test func gelu() throws {
    let golden = try Self.operation("gelu")
    var result = Self.matrix(golden["input"])
    result.applyGELU()
    Self.expectClose(result, golden["output"])
  }

  @Test(arguments: [1, 2]) func convolution(stride: Int) throws {
    let golden = try Self.operation("convolutionStride\(stride)")
    let input = Self.matrix(golden["input"])
    var padded = Matrix(rows: input.rows + 2, columns: input.columns)
    padded.replaceRows(from: 1, with: input)
    let weights = Self.matrix(golden["weight"])
    let dense = DenseWeights(rows: weights.rows, inputs: weights.columns, elements: weights.elements)
    let result = Weights.dense(dense).product(
      padded, window: ColumnWindow(rows: 3, stride: stride), bias: golden["bias"]?[0])
    Self.expectClose(result, golden["output"])
  }

  @Test func attention() throws {
    let golden = try Self.operation("attention")
    let memory = AttentionMemory(
      keys: Self.matrix(golden["key"]), values: Self.matrix(golden["value"]), heads: 2, dimension: 8)
    Self.expectClose(memory.attend(Self.matrix(golden["query"])), golden["output"])
  }

  @Test func causalAttention() throws {
    let golden = try Self.operation("causalAttention")
    let (query, key, value) = (
      Self.matrix(golden["query"]), Self.matrix(golden["key"]), Self.matrix(golden["value"])
    )
    var both = Matrix(rows: key.rows, columns: 32)
    for row in 0..<key.rows {
      for column in 0..<16 {
        both[row, column] = key[row, column]
        both[row, 16 + column] = value[row, column]
      }
    }
    let cache = AttentionCache(capacity: 10, heads: 2, dimension: 8)
    var result = Matrix(rows: query.rows, columns: 16)
    // Slots out of order: the list of slots alone says what comes before.
    let slots: [Int32] = [4, 9, 0, 7, 2, 5]
    for row in 0..<query.rows {
      cache.store(both, row: row, keyColumn: 0, valueColumn: 16, slot: Int(slots[row]))
      cache.attend(query, row: row, column: 0, over: Array(slots[...row]), into: &result)
    }
    Self.expectClose(result, golden["output"])
  }
}
