// The paper's form of the product, and the conversions that packing uses.

import CSottoKernels
import SottoTestSupport
import Testing

@testable import SottoKernels

@Suite struct ReferenceProductTests {
  @Test(arguments: ProductTests.shapes)
  func tablesOfEightInputsGiveTheProductOfTheDecodedWeights(shape: (Int, Int, Int, Int)) throws {
    var random = SplitMix(state: UInt64(shape.1))
    let (rows, inputs, group, planes) = shape
    let coded = try ProductTests.coded(
      rows: rows, inputs: inputs, group: group, planes: planes, using: &random)
    let x = ProductTests.matrix(rows: 2, columns: inputs, using: &random)
    let stored = coded.segments[0]
    var table = [Float](repeating: 0, count: (inputs + 7) / 8 * 256)
    var y = [Float](repeating: 0, count: 2 * rows)
    stored.bits.withUnsafeBytes { bits in
      x.withUnsafeElements { x in
        guard let bits = bits.baseAddress, let x = x.baseAddress else { return }
        sotto_binary_product_reference(
          bits.assumingMemoryBound(to: UInt8.self), stored.scales, rows, inputs, (group + 7) / 8 * 8, planes,
          x,
          inputs, 2, &table, &y, rows)
      }
    }
    let result = Matrix(rows: 2, columns: rows, elements: y)
    #expect(ProductTests.relativeError(result, ProductTests.product(x, coded.decoded())) < 1e-5)
  }

  @Test func halvesOfAllBitPatternsConvertAndReturn() {
    let halves = (0...UInt16.max).map { $0 }
    for name in InstructionSet.supported.map(\.description) {
      guard let kernels = sotto_kernels_named(name) else { continue }
      var floats = [Float](repeating: 0, count: halves.count)
      kernels.pointee.half_to_float(halves, halves.count, &floats)
      for (half, value) in zip(halves, floats) {
        let exact = Float(Float16(bitPattern: half))
        #expect(value == exact || (value.isNaN && exact.isNaN))
        if !value.isNaN { #expect(sotto_float_to_half(value) == half) }
      }
    }
  }

  @Test func floatsRoundToTheNearestHalf() {
    var random = SplitMix(state: 3)
    for _ in 0..<20_000 {
      let value = Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random))
      if !value.isNaN { #expect(sotto_float_to_half(value) == Float16(value).bitPattern) }
    }
  }
}
