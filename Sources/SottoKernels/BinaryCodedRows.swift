// A coded matrix whose rows may have different numbers of planes.

/// A matrix in binary coding as segments of rows, each segment with its own number of planes. Rows may be stored in
/// another order than they have in the matrix: an embedding stores frequent words together, with more planes.
public struct BinaryCodedRows: Sendable {
  /// The most segments that a matrix may have.
  public static let mostSegments = 64

  public let outputs: Int
  public let inputs: Int
  /// The segments, stored one after another; all have the same inputs, group and column vectors.
  public let segments: [BinaryCodedTensor]
  /// The matrix's row at each stored place, [outputs]; nil where rows are stored in their own order.
  public let order: [UInt32]?
  /// The stored place of each row of the matrix; nil as `order`.
  private let places: [UInt32]?

  /// - Throws: `BinaryCodingError` where the segments do not fit together or `order` is not a permutation.
  public init(segments: [BinaryCodedTensor], order: [UInt32]? = nil) throws {
    guard let first = segments.first, segments.count <= Self.mostSegments else {
      throw BinaryCodingError.shape("\(segments.count) segments; 1 to \(Self.mostSegments) are possible")
    }
    guard
      segments.allSatisfy({
        $0.inputs == first.inputs && $0.group == first.group && $0.columnScale == first.columnScale
          && $0.columnOffset == first.columnOffset
      })
    else { throw BinaryCodingError.shape("segments of rows that differ in inputs, groups or column vectors") }
    outputs = segments.reduce(0) { $0 + $1.outputs }
    inputs = first.inputs
    self.segments = segments
    self.order = order
    guard let order else {
      places = nil
      return
    }
    guard order.count == outputs else {
      throw BinaryCodingError.shape("an order of \(order.count) rows for \(outputs)")
    }
    var places = [UInt32](repeating: .max, count: outputs)
    for (place, row) in order.enumerated() {
      guard row < outputs, places[Int(row)] == .max else {
        throw BinaryCodingError.shape(
          "an order of rows that names row \(row) twice, or a row that is not there")
      }
      places[Int(row)] = UInt32(place)
    }
    self.places = places
  }

  /// The segment that holds a row of the matrix, and the row's index there. `row` must be in 0..<outputs.
  public func place(ofRow row: Int) -> (segment: Int, row: Int) {
    var place = places.map { Int($0[row]) } ?? row
    var segment = 0
    while place >= segments[segment].outputs {
      place -= segments[segment].outputs
      segment += 1
    }
    return (segment, place)
  }

  /// One row of the matrix, [inputs]; zeros where there is no such row.
  public func decodeRow(_ row: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: inputs) { result, count in
      let target = UnsafeMutableBufferPointer(rebasing: result[..<inputs])
      if (0..<outputs).contains(row) {
        let place = place(ofRow: row)
        segments[place.segment].decodeRow(place.row, into: target)
      } else {
        target.initialize(repeating: 0)
      }
      count = inputs
    }
  }

  /// The matrix in `Float`, [outputs, inputs].
  public func decoded() -> Matrix {
    var result = Matrix(rows: outputs, columns: inputs)
    result.withUnsafeMutableElements { elements in
      for row in 0..<outputs {
        let place = place(ofRow: row)
        segments[place.segment].decodeRow(
          place.row,
          into: UnsafeMutableBufferPointer(rebasing: elements[(row * inputs)..<((row + 1) * inputs)]))
      }
    }
    return result
  }

  /// Bits a weight, scales (16 bits) and column vectors (16 bits) included.
  public var bitsPerWeight: Double {
    var bits = 0
    for segment in segments { bits += 8 * segment.bits.count + 16 * segment.scales.count }
    if segments[0].columnScale != nil { bits += 16 * inputs }
    if segments[0].columnOffset != nil { bits += 16 * inputs }
    if order != nil { bits += 32 * outputs }
    return Double(bits) / Double(outputs * inputs)
  }
}
