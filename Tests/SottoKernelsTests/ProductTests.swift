// Products with dense and binary-coded weights, against sums in double precision, on every instruction set.

import SottoTestSupport
import Testing

@testable import SottoKernels

@Suite struct ProductTests {
  /// Rows, inputs, group, planes: whole tiles, tails of rows and inputs, groups shorter and longer than a table's span.
  static let shapes = [
    (64, 128, 128, 3), (33, 40, 8, 1), (96, 384, 384, 5), (40, 300, 128, 8), (1, 8, 8, 2), (65, 520, 520, 4),
    (7, 5, 5, 3),
  ]
  static let columnCounts = [1, 2, 5, 6, 17, 31]

  @Test(arguments: InstructionSet.supported, shapes)
  func binaryProductEqualsDecodedWeights(set: InstructionSet, shape: (Int, Int, Int, Int)) throws {
    var random = SplitMix(state: UInt64(shape.0 * 31 + shape.1))
    let (rows, inputs, group, planes) = shape
    let coded = try Self.coded(rows: rows, inputs: inputs, group: group, planes: planes, using: &random)
    let decoded = coded.decoded()
    let weights = Weights.binary(BinaryCodedMatrix(coded, set: set))
    for count in Self.columnCounts {
      let x = Self.matrix(rows: count, columns: inputs, using: &random)
      let result = weights.product(x, workers: Workers(count: 2))
      let exact = Self.product(x, decoded)
      #expect(Self.relativeError(result, exact) < 5e-4, "\(set), \(count) columns")
      let fast = weights.product(x, precision: .fast, workers: Workers(count: 2))
      #expect(Self.relativeError(fast, exact) < 1.2e-2, "\(set), \(count) columns")
    }
    for row in [0, rows / 2, rows - 1] { #expect(Self.areClose(weights.row(row), decoded.row(row), 1e-6)) }
  }

  @Test(arguments: InstructionSet.supported)
  func outliersCostTheirOwnSpanAlone(set: InstructionSet) throws {
    var random = SplitMix(state: 5)
    let coded = try Self.coded(rows: 64, inputs: 384, group: 384, planes: 4, using: &random)
    var x = Self.matrix(rows: 1, columns: 384, using: &random)
    x[0, 200] = 300
    let weights = Weights.binary(BinaryCodedMatrix(coded, set: set))
    let exact = Self.product(x, coded.decoded())
    let result = weights.product(x)
    let scale = (0..<64).map { abs(coded.decoded()[$0, 200]) * 300 }.max() ?? 0
    for row in 0..<64 { #expect(abs(result[0, row] - exact[0, row]) < 2e-3 * scale) }
  }

  @Test(arguments: InstructionSet.supported)
  func zeroAndTinyInputsGiveNearlyNothing(set: InstructionSet) throws {
    var random = SplitMix(state: 6)
    let coded = try Self.coded(rows: 40, inputs: 136, group: 136, planes: 3, using: &random)
    let weights = Weights.binary(BinaryCodedMatrix(coded, set: set))
    for value: Float in [0, -0.0, .leastNonzeroMagnitude, 1e-35] {
      let x = Matrix(rows: 1, columns: 136, elements: Array(repeating: value, count: 136))
      #expect(weights.product(x).elements.allSatisfy { abs($0) < 1e-30 })
    }
  }

  @Test func segmentsColumnVectorsAndOrder() throws {
    var random = SplitMix(state: 7)
    let scale = (0..<72).map { _ in Float(1 + random.nextUnit() / 2) }
    let offset = (0..<72).map { _ in Float(random.nextUnit()) }
    let segments = try [(20, 6), (37, 2)].map { rows, planes in
      let part = try Self.coded(rows: rows, inputs: 72, group: 72, planes: planes, using: &random).segments[0]
      return try BinaryCodedTensor(
        outputs: rows, inputs: 72, group: 72, planes: planes, bits: part.bits, scales: part.scales,
        columnScale: scale, columnOffset: offset)
    }
    let coded = try BinaryCodedRows(segments: segments, order: (0..<57).map { UInt32($0 * 10 % 57) })
    let x = Self.matrix(rows: 3, columns: 72, using: &random)
    let weights = Weights.binary(BinaryCodedMatrix(coded))
    #expect(Self.relativeError(weights.product(x), Self.product(x, coded.decoded())) < 5e-4)
    for row in 0..<57 { #expect(Self.areClose(weights.row(row), coded.decodeRow(row), 1e-5)) }
  }

  @Test(arguments: InstructionSet.supported, [(32, 384), (50, 7), (1, 1), (17, 800)])
  func denseProductWithBiasAndWindows(set: InstructionSet, shape: (Int, Int)) {
    var random = SplitMix(state: UInt64(shape.1))
    let (rows, inputs) = shape
    let elements = Self.matrix(rows: rows, columns: inputs, using: &random)
    let weights = Weights.dense(
      DenseWeights(rows: rows, inputs: inputs, elements: elements.elements, set: set))
    let bias = (0..<rows).map { Float($0) }
    for count in Self.columnCounts {
      let x = Self.matrix(rows: count, columns: inputs, using: &random)
      var expected = Self.product(x, elements)
      for c in 0..<count { for r in 0..<rows { expected[c, r] += bias[r] } }
      let result = weights.product(x, bias: bias, workers: Workers(count: 2))
      #expect(Self.relativeError(result, expected) < 1e-5)
    }
  }

  @Test func aWindowIsAConvolution() {
    var random = SplitMix(state: 9)
    let weights = Self.matrix(rows: 4, columns: 15, using: &random)
    let x = Self.matrix(rows: 12, columns: 5, using: &random)
    let dense = Weights.dense(DenseWeights(rows: 4, inputs: 15, elements: weights.elements))
    let result = dense.product(x, window: ColumnWindow(rows: 3, stride: 2))
    #expect(result.rows == 5)
    let columns = Matrix(
      rows: 5, columns: 15, elements: (0..<5).flatMap { Array(x.elements[($0 * 10)..<($0 * 10 + 15)]) })
    #expect(Self.relativeError(result, Self.product(columns, weights)) < 1e-5)
  }

  @Test func stackedMatricesGiveTheirProductsSideBySide() throws {
    var random = SplitMix(state: 10)
    let parts = try [(33, 2), (20, 5)].map { rows, planes in
      BinaryCodedMatrix(
        try Self.coded(rows: rows, inputs: 64, group: 32, planes: planes, using: &random))
    }
    let stacked = try #require(BinaryCodedMatrix.stacked(parts))
    for count in [2, 20] {
      let x = Self.matrix(rows: count, columns: 64, using: &random)
      let whole = Weights.binary(stacked).product(x)
      let first = Weights.binary(parts[0]).product(x)
      let second = Weights.binary(parts[1]).product(x)
      for c in 0..<count { #expect(whole.row(c) == first.row(c) + second.row(c)) }
    }
  }

  // MARK: References

  static func coded(
    rows: Int, inputs: Int, group: Int, planes: Int, using random: inout SplitMix
  ) throws -> BinaryCodedRows {
    let groups = (inputs + group - 1) / group
    let bits = (0..<(planes * rows * ((inputs + 7) / 8))).map { _ in UInt8.random(in: 0...255, using: &random)
    }
    let scales = (0..<(rows * groups * planes)).map { index in
      Float(Float16(0.5 + random.nextUnit() / 4)) / Float(1 << (index % planes))
    }
    return try BinaryCodedRows(segments: [
      BinaryCodedTensor(
        outputs: rows, inputs: inputs, group: group, planes: planes, bits: SharedBytes(bits), scales: scales)
    ])
  }

  static func matrix(rows: Int, columns: Int, using random: inout SplitMix) -> Matrix {
    Matrix(
      rows: rows, columns: columns, elements: (0..<(rows * columns)).map { _ in Float(random.nextUnit()) })
  }

  /// x Wᵀ, summed in double precision.
  static func product(_ x: Matrix, _ w: Matrix) -> Matrix {
    let (a, b) = (x.elements, w.elements)
    var result = [Float]()
    for c in 0..<x.rows {
      for r in 0..<w.rows {
        var sum = 0.0
        for k in 0..<x.columns { sum += Double(a[c * x.columns + k]) * Double(b[r * w.columns + k]) }
        result.append(Float(sum))
      }
    }
    return Matrix(rows: x.rows, columns: w.rows, elements: result)
  }

  /// ‖a − b‖ / ‖b‖.
  static func relativeError(_ a: Matrix, _ b: Matrix) -> Double {
    var (difference, size) = (0.0, 0.0)
    for (x, y) in zip(a.elements, b.elements) {
      difference += Double(x - y) * Double(x - y)
      size += Double(y) * Double(y)
    }
    return a.elements.count == b.elements.count ? (difference / max(size, 1e-30)).squareRoot() : .infinity
  }

  static func areClose(_ a: [Float], _ b: [Float], _ tolerance: Float) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
  }
}
