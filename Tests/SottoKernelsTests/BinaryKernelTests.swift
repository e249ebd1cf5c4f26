// The products of every instruction set, called as the C functions that they are, against the paper's form.

import CSottoKernels
import Testing

@testable import SottoKernels

@Suite struct BinaryKernelTests {
  /// One product: sizes, and inputs.
  struct Problem {
    var rows: Int
    var inputs: Int
    var group: Int
    var planes: Int
    var bits: [UInt8]
    var scales: [Float]
    var x: [Float]
    var columns: Int { x.count / inputs }

    /// A random shape, with whole tiles, tails and groups of all kinds among them.
    init(using random: inout SeededGenerator, step: Int) {
      // Bounds are of many rows together: the scales of one may be unlucky in rounding.
      rows = Int.random(in: 33...180, using: &random)
      inputs = Int.random(in: 1...900, using: &random)
      planes = Int.random(in: 1...8, using: &random)
      group = (inputs + 7) / 8 * 8
      if Bool.random(using: &random) { group = step * Int.random(in: 1...8, using: &random) }
      let stored = (inputs + 7) / 8
      bits = (0..<(planes * rows * stored)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let groups = (inputs + group - 1) / group
      let planes = planes
      scales = (0..<(rows * groups * planes)).map { index in
        Float(Float16(Float.random(in: 0.5...0.75, using: &random))) / Float(1 << (index % planes))
      }
      x = []
    }

    /// The product by the paper's form, [columns][rows].
    func reference() -> [Float] {
      var table = [Float](repeating: 0, count: (inputs + 7) / 8 * 256)
      var y = [Float](repeating: 0, count: columns * rows)
      sotto_binary_product_reference(
        bits, scales, rows, inputs, group, planes, x, inputs, columns, &table, &y, rows)
      return y
    }

    /// The product by a set's kernels, with every buffer at the edge of a forbidden page.
    func product(
      _ set: InstructionSet, _ precision: ProductPrecision, lookup: Bool, at side: GuardedBuffer<UInt8>.Side
    ) -> [Float] {
      let kernels = set.kernels
      let code = precision.code
      let edge: (floats: GuardedBuffer<Float>.Side, halves: GuardedBuffer<UInt16>.Side) =
        side == .start ? (.start, .start) : (.end, .end)
      let stored = GuardedBuffer(bits, filling: 0xFF, at: side)
      let packed = GuardedBuffer<UInt8>(
        kernels.binary_bits_bytes(rows, inputs, planes), filling: 0xFF, at: side)
      let packedScales = GuardedBuffer<UInt16>(
        sotto_binary_scales_count(set.pointer, rows, inputs, group, planes), filling: 0x7E00, at: edge.halves)
      kernels.binary_pack(
        stored.pointer, scales, rows, inputs, group, planes, packed.pointer, packedScales.pointer)
      let input = GuardedBuffer(x, filling: 0, at: edge.floats)
      let output = GuardedBuffer<Float>(columns * rows, filling: .nan, at: edge.floats)
      var matrix = sotto_binary_matrix(
        rows: rows, inputs: inputs, group: group, planes: planes, bits: packed.pointer,
        scales: packedScales.pointer)
      let bytes = lookup ? kernels.lookup_table_bytes(inputs, code) : kernels.wide_column_bytes(inputs, code)
      // Columns start at multiples of 64, as the tables ask; the last one ends with its bytes.
      let stride = (bytes + 63) & ~63
      let prepared = GuardedBuffer<UInt8>(
        bytes == 0 ? 0 : stride * columns, filling: 0xFF, at: side)
      for c in 0..<columns where bytes > 0 {
        let target = prepared.pointer + c * stride
        if lookup {
          kernels.lookup_build(input.pointer + c * inputs, inputs, code, target)
        } else {
          kernels.wide_prepare(input.pointer + c * inputs, inputs, code, target)
        }
      }
      var description = sotto_columns(
        x: input.pointer, ld: inputs, count: columns, prepared: prepared.pointer, prepared_stride: stride)
      let tiles = (rows + kernels.tile_rows - 1) / kernels.tile_rows
      if lookup {
        kernels.lookup_product(&matrix, code, 0, tiles, &description, output.pointer, rows)
      } else {
        let scratch = GuardedBuffer<UInt8>(kernels.wide_scratch_bytes(inputs, code), filling: 0xFF, at: side)
        kernels.wide_product(&matrix, code, 0, tiles, &description, scratch.pointer, output.pointer, rows)
      }
      return output.elements
    }
  }

  /// Every way to compute a product of so many planes that an instruction set has, with the bound of its relative error.
  static func ways(
    of set: InstructionSet, planes: Int
  ) -> [(precision: ProductPrecision, lookup: Bool, bound: Double)] {
    let bounds: [(ProductPrecision, Double)] = [(.fast, 1.2e-2), (.accurate, 5e-4)]
    return bounds.flatMap { precision, bound in
      let hasLookup = set.kernels.lookup_table_bytes(8, precision.code) > 0
      return (hasLookup ? [true, false] : [false]).map { (precision, $0, bound) }
        .filter { $0.1 || precision == .accurate || planes <= set.kernels.most_fast_planes }
    }
  }

  static func relativeError(_ result: [Float], _ expected: [Float]) -> Double {
    let pairs = zip(result, expected)
    let size = pairs.reduce(0.0) { $0 + Double($1.1) * Double($1.1) }
    let error = pairs.reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    return result.count == expected.count ? (error / max(size, 1e-30)).squareRoot() : .infinity
  }

  @Test(arguments: InstructionSet.supported)
  func productsOfRandomShapesStayInBoundsOfErrorAndMemory(set: InstructionSet) {
    var random = SeededGenerator(state: 77)
    for _ in 0..<24 {
      var problem = Problem(using: &random, step: set.kernels.group_step)
      let columns = Int.random(in: 1...9, using: &random)
      problem.x = (0..<(columns * problem.inputs)).map { _ in random.normal() }
      let expected = problem.reference()
      for (precision, lookup, bound) in Self.ways(of: set, planes: problem.planes) {
        for side in GuardedBuffer<UInt8>.Side.allCases {
          let result = problem.product(set, precision, lookup: lookup, at: side)
          #expect(
            Self.relativeError(result, expected) < bound,
            "\(set), \(precision), look-up \(lookup), \(problem.rows) × \(problem.inputs) by \(problem.group), \(problem.planes) planes, \(columns) columns"
          )
        }
      }
    }
  }

  @Test(arguments: InstructionSet.supported)
  func rowsAreTheDecodedOnes(set: InstructionSet) {
    var random = SeededGenerator(state: 78)
    for _ in 0..<8 {
      var problem = Problem(using: &random, step: set.kernels.group_step)
      // Columns of the identity pick the weights.
      let k = Int.random(in: 0..<problem.inputs, using: &random)
      problem.x = (0..<problem.inputs).map { $0 == k ? 1 : 0 }
      let expected = problem.reference()
      let kernels = set.kernels
      let packed = GuardedBuffer<UInt8>(
        kernels.binary_bits_bytes(problem.rows, problem.inputs, problem.planes), filling: 0, at: .end)
      let scales = GuardedBuffer<UInt16>(
        sotto_binary_scales_count(
          set.pointer, problem.rows, problem.inputs, problem.group, problem.planes), filling: 0, at: .end)
      kernels.binary_pack(
        problem.bits, problem.scales, problem.rows, problem.inputs, problem.group, problem.planes,
        packed.pointer, scales.pointer)
      var matrix = sotto_binary_matrix(
        rows: problem.rows, inputs: problem.inputs, group: problem.group, planes: problem.planes,
        bits: packed.pointer, scales: scales.pointer)
      for row in 0..<problem.rows {
        let y = GuardedBuffer<Float>(problem.inputs, filling: .nan, at: .end)
        kernels.binary_row(&matrix, row, y.pointer)
        #expect(abs(y.pointer[k] - expected[row]) < 1e-5)
      }
    }
  }

  /// Columns of other kinds than the bounds are made for; errors are compared with the column's largest part.
  @Test(arguments: InstructionSet.supported)
  func unusualColumns(set: InstructionSet) {
    var random = SeededGenerator(state: 79)
    var problem = Problem(using: &random, step: set.kernels.group_step)
    (problem.rows, problem.inputs, problem.group, problem.planes) = (70, 400, 400, 3)
    problem.bits = (0..<(3 * 70 * 50)).map { _ in UInt8.random(in: 0...255, using: &random) }
    problem.scales = (0..<(70 * 3)).map { Float(1) / Float(1 << ($0 % 3)) }
    let normal = (0..<400).map { _ in random.normal() }
    let kinds: [[Float]] = [
      normal.map { $0 * 1e-30 }, normal.map { $0 * 1e30 }, Array(repeating: 0, count: 400),
      Array(repeating: -0.0, count: 400), Array(repeating: 1, count: 400), Array(repeating: -3e4, count: 400),
      (0..<400).map { $0 % 2 == 0 ? 1 : -1 },
      // One channel that is a thousand times the others, one that is alone.
      normal.enumerated().map { $0.offset == 211 ? 1000 : $0.element }, (0..<400).map { $0 == 399 ? 5 : 0 },
    ]
    for x in kinds {
      problem.x = x + normal
      let expected = problem.reference()
      let norm = x.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      for (precision, lookup, bound) in Self.ways(of: set, planes: problem.planes) {
        let result = problem.product(set, precision, lookup: lookup, at: .end)
        // The weights' norm is about √(400 · 21 / 16); errors of equal inputs add up, hence the factor.
        for row in 0..<70 {
          let error = Double(abs(result[row] - expected[row]))
          #expect(error <= 4 * bound * norm * 1.15 + 1e-30, "\(set), \(precision), \(lookup), \(x[0])")
        }
        #expect(
          Self.relativeError(Array(result[70...]), Array(expected[70...])) < bound,
          "a column changes its neighbour")
      }
    }
    // Denormal numbers count as zero, and nothing is not a number.
    problem.x = normal.map { $0 * 1e-20 * 1e-22 } + normal
    for (precision, lookup, _) in Self.ways(of: set, planes: problem.planes) {
      let result = problem.product(set, precision, lookup: lookup, at: .start)
      #expect(result[..<70].allSatisfy { abs($0) < 1e-38 })
    }
  }

  @Test(arguments: InstructionSet.supported)
  func unusualScales(set: InstructionSet) {
    var random = SeededGenerator(state: 80)
    for scale: Float in [0, 6e-8, 1e-5, 6e4, -1] {
      var problem = Problem(using: &random, step: set.kernels.group_step)
      problem.scales = problem.scales.map { Float(Float16($0 * scale)) }
      problem.x = (0..<(3 * problem.inputs)).map { _ in random.normal() }
      let expected = problem.reference()
      for (precision, lookup, bound) in Self.ways(of: set, planes: problem.planes) {
        let result = problem.product(set, precision, lookup: lookup, at: .end)
        if scale == 0 {
          #expect(result.allSatisfy { $0 == 0 })
        } else {
          #expect(Self.relativeError(result, expected) < bound, "\(set), \(precision), \(lookup), \(scale)")
        }
      }
    }
  }
}
