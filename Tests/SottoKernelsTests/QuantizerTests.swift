import Foundation
import Testing

@testable import SottoKernels

/// A reproducible source of numbers (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Bell-shaped, variance 1.
  mutating func normal() -> Float {
    (0..<12).reduce(-6) { sum, _ in sum + Float.random(in: 0..<1, using: &self) }
  }

  mutating func matrix(_ rows: Int, _ columns: Int) -> Matrix {
    Matrix(rows: rows, columns: columns, elements: (0..<(rows * columns)).map { _ in normal() })
  }
}

/// Second moments of inputs that share a few directions.
func correlatedMoments(_ inputs: Int, seed: UInt64) -> Matrix {
  var random = SeededGenerator(state: seed)
  let mixing = random.matrix(inputs / 4, inputs)
  var moments = Matrix(rows: inputs, columns: inputs)
  for row in 0..<inputs {
    for column in 0..<inputs {
      for k in 0..<mixing.rows { moments[row, column] += mixing[k, row] * mixing[k, column] }
    }
    moments[row, row] += 0.3
  }
  return moments
}

@Suite struct QuantizerTests {
  var random = SeededGenerator(state: 7)

  func error(_ weights: Matrix, _ settings: QuantizationSettings) throws -> CodingError {
    CodingError(of: try Quantizer.quantize(weights, settings), against: weights, moments: settings.moments)
  }

  @Test mutating func errorFallsWithPlanes() throws {
    let weights = random.matrix(24, 128)
    let errors = try (1...8).map { try error(weights, .init(planes: $0, group: 64)).relative }
    // The bounds are 1.15 times the errors of Lloyd and Max's quantizer of a normal distribution (0.603, 0.343, 0.186,
    // 0.0975, 0.0500), which a fit to 64 values passes.
    for (error, bound) in zip(errors, [0.69, 0.39, 0.21, 0.112, 0.0575, 0.03, 0.016, 0.009]) {
      #expect(error < bound)
    }
    for (fewer, more) in zip(errors, errors.dropFirst()) { #expect(more < 0.75 * fewer) }
  }

  @Test(arguments: [1, 2, 3, 4]) func exactCodesAreFoundAgain(planes: Int) throws {
    var random = SeededGenerator(state: UInt64(planes))
    // Inputs that fill neither their last byte nor their last group.
    let inputs = 131
    let scales: [Float] = [1.5, 0.7001953, 0.30004883, 0.13000488]
    let weights = Matrix(
      rows: 5, columns: inputs,
      elements: (0..<(5 * inputs)).map { _ in
        scales.prefix(planes).reduce(0) { $0 + (Bool.random(using: &random) ? $1 : -$1) }
      })
    let coded = try Quantizer.quantize(weights, .init(planes: planes, group: 64))
    for (value, original) in zip(coded.decoded().elements, weights.elements) {
      #expect(abs(value - original) < 1e-3)
    }
    for (scale, expected) in zip(coded.segments[0].scales, scales.prefix(planes)) {
      #expect(abs(scale - expected) < 1e-6)
    }
  }

  @Test mutating func secondMomentsLowerTheOutputsError() throws {
    let inputs = 64
    let weights = random.matrix(16, inputs)
    for group in [nil, 32] {
      for planes in [2, 4] {
        var settings = QuantizationSettings(planes: planes, group: group)
        let moments = correlatedMoments(inputs, seed: 3)
        let plain = try Quantizer.quantize(weights, settings)
        settings.moments = moments
        let compensated = try Quantizer.quantize(weights, settings)
        let before = CodingError(of: plain, against: weights, moments: moments)
        let after = CodingError(of: compensated, against: weights, moments: moments)
        #expect(try #require(after.output) < 0.7 * (try #require(before.output)))
        #expect(after.relative >= before.relative)
      }
    }
  }

  @Test mutating func noRowIsWorseUnderItsMoments() throws {
    // With independent inputs there is nothing to make good.
    let weights = random.matrix(12, 40)
    var moments = Matrix(rows: 40, columns: 40)
    for index in 0..<40 { moments[index, index] = Float(index % 5) }
    var settings = QuantizationSettings(planes: 3)
    let plain = try Quantizer.quantize(weights, settings)
    settings.moments = moments
    let compensated = try Quantizer.quantize(weights, settings)
    for row in 0..<12 {
      func error(_ coded: BinaryCodedRows) -> Float {
        zip(coded.decodeRow(row), weights.row(row)).enumerated()
          .reduce(0) {
            $0 + ($1.element.0 - $1.element.1) * ($1.element.0 - $1.element.1) * Float($1.offset % 5)
          }
      }
      #expect(error(compensated) <= error(plain) * 1.0001)
    }
  }

  @Test mutating func resultDoesNotDependOnThreads() throws {
    let weights = random.matrix(50, 48)
    var settings = QuantizationSettings(planes: 3, group: 16)
    settings.moments = correlatedMoments(48, seed: 5)
    settings.scalesColumns = true
    let results = try [1, 2, 5].map { threads in
      settings.threads = threads
      return try Quantizer.quantize(weights, settings)
    }
    let bits = results.map { $0.segments[0].bits.withUnsafeBytes { Array($0) } }
    #expect(bits[0] == bits[1] && bits[0] == bits[2])
    #expect(results[0].segments[0].scales == results[1].segments[0].scales)
    #expect(results[0].segments[0].scales == results[2].segments[0].scales)
  }

  @Test mutating func columnsAreCenteredAndScaled() throws {
    var weights = random.matrix(40, 64)
    for row in 0..<40 {
      for column in 0..<64 {
        weights[row, column] = weights[row, column] * (column % 3 == 0 ? 0.1 : 1) + Float(column % 7)
      }
    }
    var settings = QuantizationSettings(planes: 3)
    let plain = try error(weights, settings).relative
    settings.centersColumns = true
    let centered = try error(weights, settings).relative
    settings.scalesColumns = true
    let scaled = try error(weights, settings).relative
    #expect(centered < 0.5 * plain && scaled < 0.9 * centered)
  }

  /// Codes stay, and scales grow until a code reaches as far along its row as the row itself; a nearest code is shorter by its squared
  /// error, 0.1175 of the row's square in 2 planes (Max 1960).
  @Test mutating func rowsGetTheirLengthBack() throws {
    let weights = random.matrix(16, 256)
    var settings = QuantizationSettings(planes: 2)
    func along(_ share: Float) throws -> [Float] {
      settings.restoration = share
      let coded = try Quantizer.quantize(weights, settings)
      return (0..<16).map { row in
        let original = weights.row(row)
        let whole = original.reduce(0) { $0 + $1 * $1 }
        return zip(original, coded.decodeRow(row)).reduce(0) { $0 + $1.0 * $1.1 } / whole
      }
    }
    let (none, half, all) = (try along(0), try along(0.5), try along(1))
    #expect(none.allSatisfy { (0.83..<0.93).contains($0) })
    #expect(all.allSatisfy { abs($0 - 1) < 1e-3 })
    for row in 0..<16 { #expect(abs(2 * half[row] - none[row] - all[row]) < 2e-3) }
    settings.restoration = 2
    #expect(throws: BinaryCodingError.self) { try Quantizer.quantize(weights, settings) }
  }

  @Test mutating func importantColumnsAreCloser() throws {
    let weights = random.matrix(20, 64)
    var settings = QuantizationSettings(planes: 2)
    func error(_ coded: BinaryCodedRows) -> Float {
      (0..<20).reduce(0) { sum, row in
        zip(coded.decodeRow(row), weights.row(row)).prefix(16).reduce(sum) {
          $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
        }
      }
    }
    let even = error(try Quantizer.quantize(weights, settings))
    settings.importance = (0..<64).map { $0 < 16 ? 1 : 0.001 }
    #expect(error(try Quantizer.quantize(weights, settings)) < 0.8 * even)
  }

  @Test mutating func rowsMayDifferInPlanes() throws {
    let weights = random.matrix(30, 40)
    var settings = QuantizationSettings(planes: 1)
    let wide = (0..<30).filter { $0 % 3 == 1 }.map(UInt32.init)
    let narrow = (0..<30).filter { $0 % 3 != 1 }.map(UInt32.init)
    settings.segments = [.init(planes: 6, rows: wide), .init(planes: 2, rows: narrow)]
    let coded = try Quantizer.quantize(weights, settings)
    let decoded = coded.decoded()
    for row in 0..<30 {
      #expect(coded.decodeRow(row) == decoded.row(row))
      let difference = zip(decoded.row(row), weights.row(row)).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
      #expect((difference / 40).squareRoot() < (row % 3 == 1 ? 0.06 : 0.6))
    }
    settings.segments = [.init(planes: 2, rows: wide)]
    #expect(throws: BinaryCodingError.self) { try Quantizer.quantize(weights, settings) }
    settings.segments = [.init(planes: 2, rows: wide + wide + wide)]
    #expect(throws: BinaryCodingError.self) { try Quantizer.quantize(weights, settings) }
  }
}
