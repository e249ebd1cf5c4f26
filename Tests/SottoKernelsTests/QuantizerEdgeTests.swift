import Testing

@testable import SottoKernels

@Suite struct QuantizerEdgeTests {
  @Test(arguments: [1, 3, 8]) func simpleRowsAreExact(planes: Int) throws {
    for inputs in [1, 7, 9, 130] {
      let rows: [[Float]] = [
        [Float](repeating: 0, count: inputs), [Float](repeating: 0.375, count: inputs),
        [Float](repeating: -1024, count: inputs), (0..<inputs).map { $0 % 2 == 0 ? 0.5 : -0.5 },
      ]
      let weights = Matrix(rows: rows.count, columns: inputs, elements: rows.flatMap { $0 })
      for group in [nil, 8, 128] {
        let decoded = try Quantizer.quantize(weights, .init(planes: planes, group: group)).decoded()
        for (row, expected) in rows.enumerated() {
          #expect(zip(decoded.row(row), expected).allSatisfy { abs($0 - $1) <= 1e-3 * abs($1) })
        }
      }
    }
  }

  @Test func extremeValuesGiveFiniteScales() throws {
    var random = SeededGenerator(state: 1)
    let kinds: [Float] = [
      .leastNonzeroMagnitude, .leastNormalMagnitude / 8, 1e-8, 1e-5, 6e4, 1e20, .greatestFiniteMagnitude,
    ]
    for size in kinds {
      let elements = (0..<(4 * 64)).map { _ in Float.random(in: -1...1, using: &random) * size }
      let weights = Matrix(rows: 4, columns: 64, elements: elements)
      var settings = QuantizationSettings(planes: 4, group: 32)
      for moments in [nil, correlatedMoments(64, seed: 2)] {
        settings.moments = moments
        let coded = try Quantizer.quantize(weights, settings)
        #expect(FloatConversion.allFinite(coded.decoded().elements))
        if size == 6e4 { #expect(CodingError(of: coded, against: weights).relative < 0.3) }
      }
    }
  }

  @Test func dependentPlanesKeepScalesSmall() throws {
    // Two values only: all planes but the first have nothing to tell.
    var random = SeededGenerator(state: 4)
    let elements = (0..<128).map { _ in Bool.random(using: &random) ? Float(1) : -1 } + [1.25]
    let weights = Matrix(rows: 1, columns: 129, elements: elements)
    let coded = try Quantizer.quantize(weights, .init(planes: 8))
    #expect(coded.segments[0].scales.allSatisfy { $0 >= 0 && $0 <= 2 })
    #expect(CodingError(of: coded, against: weights).relative < 2e-3)
  }

  @Test func momentsWithoutInformationChangeNothing() throws {
    var random = SeededGenerator(state: 9)
    let weights = random.matrix(3, 24)
    var settings = QuantizationSettings(planes: 2)
    let plain = try Quantizer.quantize(weights, settings).decoded().elements
    settings.moments = Matrix(rows: 24, columns: 24)
    #expect(try Quantizer.quantize(weights, settings).decoded().elements == plain)
  }

  @Test func badInputIsRefused() throws {
    let good = Matrix(rows: 2, columns: 16, elements: [Float](repeating: 1, count: 32))
    var bad = good
    bad[1, 3] = .nan
    #expect(throws: BinaryCodingError.notFinite("the matrix")) {
      try Quantizer.quantize(bad, .init(planes: 2))
    }
    #expect(throws: BinaryCodingError.self) {
      try Quantizer.quantize(Matrix(rows: 0, columns: 4), .init(planes: 2))
    }
    for (planes, group) in [(0, 8), (9, 8), (2, 0), (2, 12), (2, -8)] {
      #expect(throws: BinaryCodingError.self) {
        try Quantizer.quantize(good, .init(planes: planes, group: group))
      }
    }
    var settings = QuantizationSettings(planes: 2)
    for moments in [
      Matrix(rows: 8, columns: 8), Matrix(rows: 16, columns: 16, elements: [-1]),
      Matrix(rows: 16, columns: 16, elements: [.infinity]),
    ] {
      settings.moments = moments
      #expect(throws: BinaryCodingError.self) { try Quantizer.quantize(good, settings) }
    }
    settings.moments = nil
    settings.importance = [1]
    #expect(throws: BinaryCodingError.self) { try Quantizer.quantize(good, settings) }
  }

  @Test func planesReadAsDocumented() throws {
    // Row 0: bits 1, 0, 1 and so on; two planes, two groups of 8 and 2.
    let coded = try BinaryCodedTensor(
      outputs: 1, inputs: 10, group: 8, planes: 2,
      bits: SharedBytes([0b0101_0101, 0b01, 0b1111_0000, 0b10] as [UInt8]),
      scales: [1, 0.25, 2, 0.5], columnScale: [Float](repeating: 2, count: 10),
      columnOffset: (0..<10).map { Float($0) })
    #expect(
      coded.decoded().elements == [1.5, -1.5, 3.5, 0.5, 6.5, 3.5, 8.5, 5.5, 11, 6] as [Float])
    #expect(throws: BinaryCodingError.self) {
      try BinaryCodedTensor(
        outputs: 1, inputs: 8, group: 8, planes: 1, bits: SharedBytes([0] as [UInt8]), scales: [.nan])
    }
    #expect(throws: BinaryCodingError.self) {
      try BinaryCodedTensor(
        outputs: 2, inputs: 8, group: 8, planes: 1, bits: SharedBytes([0] as [UInt8]), scales: [1, 1])
    }
  }
}
