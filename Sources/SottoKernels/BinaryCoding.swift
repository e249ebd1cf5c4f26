// The binary coding of weight matrices, as it lies in a model file.
//
// A matrix W [outputs, inputs] is kept as `planes` matrices of signs B_p and scales α:
//
//     W[r, c] ≈ columnScale[c] · Σ_p α[r, c / group, p] · B_p[r, c] + columnOffset[c]
//
// (XNOR-Net, arXiv 1603.05279, with several planes; BiQGEMM, arXiv 2005.09904). `group` neighbouring inputs of a row
// share their scales, because one scale a row fits long rows badly; 128 costs 16 / 128 of a bit a weight and plane.
// The column vectors are optional: they take out what all rows have in common, as in an embedding.

/// What is wrong with a coded matrix, or with coding one.
public enum BinaryCodingError: Error, Sendable, Hashable, CustomStringConvertible {
  case shape(String)
  case notFinite(String)

  public var description: String {
    switch self {
    case .shape(let text): text
    case .notFinite(let text): "\(text) holds values that are not finite"
    }
  }
}

/// A matrix in binary coding, all rows with the same number of planes.
public struct BinaryCodedTensor: Sendable {
  public static let mostPlanes = 8

  public let outputs: Int
  public let inputs: Int
  /// Inputs that share scales, a multiple of 8 or `inputs`; the last group of a row may be shorter.
  public let group: Int
  public let planes: Int
  /// [planes, outputs, rowBytes], one bit a weight, the lowest bit of a byte first. Set: +1; clear: -1. Surplus bits
  /// of a row's last byte have no meaning.
  public let bits: SharedBytes
  /// [outputs, groups, planes].
  public let scales: [Float]
  /// [inputs], factors of the columns; nil for 1.
  public let columnScale: [Float]?
  /// [inputs], added to each row after scaling; nil for 0.
  public let columnOffset: [Float]?

  /// Groups of a row.
  public var groups: Int { (inputs + group - 1) / group }
  /// Bytes of a row in one plane.
  public var rowBytes: Int { (inputs + 7) / 8 }

  /// - Throws: `BinaryCodingError` where sizes do not agree or a value is not finite.
  public init(
    outputs: Int, inputs: Int, group: Int, planes: Int, bits: SharedBytes, scales: [Float],
    columnScale: [Float]? = nil, columnOffset: [Float]? = nil
  ) throws {
    guard (1...(1 << 24)).contains(outputs), (1...(1 << 24)).contains(inputs) else {
      throw BinaryCodingError.shape("a matrix of \(outputs) × \(inputs) cannot be coded")
    }
    guard (1...Self.mostPlanes).contains(planes) else {
      throw BinaryCodingError.shape("\(planes) planes; 1 to \(Self.mostPlanes) are possible")
    }
    guard group == inputs || (group > 0 && group < inputs && group % 8 == 0) else {
      throw BinaryCodingError.shape(
        "groups of \(group) inputs; a multiple of 8 below \(inputs), or whole rows")
    }
    self.outputs = outputs
    self.inputs = inputs
    self.group = group
    self.planes = planes
    self.bits = bits
    self.scales = scales
    self.columnScale = columnScale
    self.columnOffset = columnOffset
    guard bits.count == planes * outputs * rowBytes, scales.count == outputs * groups * planes,
      columnScale.map({ $0.count == inputs }) ?? true, columnOffset.map({ $0.count == inputs }) ?? true
    else { throw BinaryCodingError.shape("the sizes of planes, scales and column vectors do not agree") }
    for (values, name) in [
      (scales, "scale"), (columnScale ?? [], "column scale"), (columnOffset ?? [], "column offset"),
    ]
    where !FloatConversion.allFinite(values) { throw BinaryCodingError.notFinite(name) }
  }

  /// The matrix in `Float`, [outputs, inputs].
  public func decoded() -> Matrix {
    var result = Matrix(rows: outputs, columns: inputs)
    result.withUnsafeMutableElements { elements in
      for row in 0..<outputs {
        decodeRow(
          row, into: UnsafeMutableBufferPointer(rebasing: elements[(row * inputs)..<((row + 1) * inputs)]))
      }
    }
    return result
  }

  /// One row of the matrix.
  ///
  /// - Parameters:
  ///   - row: in 0..<outputs; another one gives zeros.
  ///   - result: [inputs].
  public func decodeRow(_ row: Int, into result: UnsafeMutableBufferPointer<Float>) {
    guard (0..<outputs).contains(row), result.count == inputs else { return result.update(repeating: 0) }
    bits.withUnsafeBytes { bits in
      var first = 0
      var scale = row * groups * planes
      while first < inputs {
        let end = min(first + group, inputs)
        for column in first..<end { result[column] = 0 }
        for plane in 0..<planes {
          let value = scales[scale + plane]
          let start = (plane * outputs + row) * rowBytes
          for column in first..<end {
            let isSet = bits[start + column >> 3] >> UInt8(column & 7) & 1 == 1
            result[column] += isSet ? value : -value
          }
        }
        first = end
        scale += planes
      }
    }
    if let columnScale { for column in 0..<inputs { result[column] *= columnScale[column] } }
    if let columnOffset { for column in 0..<inputs { result[column] += columnOffset[column] } }
  }
}
