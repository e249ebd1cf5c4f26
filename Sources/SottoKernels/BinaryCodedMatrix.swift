// Weights in binary coding, multiplied as they are stored.

import CSottoKernels

/// A matrix [rows, inputs] in binary coding, W ≈ Σₚ αₚ Bₚ with Bₚ in {-1, +1}, packed for the instruction set at hand
/// (the layouts are drawn where CSottoKernels packs them).
///
/// Few columns are multiplied by table look-up (BiQGEMM, arXiv 2005.09904, with tables of 4 inputs in registers); for
/// many, tiles of some rows are expanded to integers or floats one after another and used for all columns. The float form
/// of the whole matrix never exists.
///
/// Rows of different widths (more planes for frequent words) lie in segments of equal width.
///
/// An object, which never changes, so that a product of a microsecond does not begin by counting references to each part.
public final class BinaryCodedMatrix: @unchecked Sendable {
  public let rows: Int
  public let inputs: Int
  let segments: [Segment]
  /// The row of the matrix that each stored row is; nil where they are in order.
  let order: [Int32]?
  /// The stored row that each row of the matrix is; nil as `order`.
  private let places: [Int32]?
  /// W[r, k] = columnScale[k] * coded[r, k] + columnOffset[k], where present.
  let columnScale: [Float]?
  let columnOffset: [Float]?
  /// The segments as the kernels want them; valid while `self` lives.
  let descriptions: [sotto_binary_matrix]
  /// What the first of them was packed for.
  let firstSet: InstructionSet
  /// Up to so many columns all segments are multiplied by look-up in one call: fast, accurate. 0 where they were packed for different
  /// instruction sets.
  private let mostAtOnce: (fast: Int, accurate: Int)

  func mostColumnsAtOnce(_ precision: ProductPrecision) -> Int {
    precision == .fast ? mostAtOnce.fast : mostAtOnce.accurate
  }

  struct Segment: Sendable {
    let set: InstructionSet
    let firstRow: Int
    let rows: Int
    let planes: Int
    let group: Int
    let bits: AlignedBuffer<UInt8>
    let scales: AlignedBuffer<UInt16>
  }

  /// Packs a coded matrix. The scales become float16, as which they are stored.
  public convenience init(_ coded: BinaryCodedRows, set: InstructionSet = .best) {
    var segments: [Segment] = []
    var firstRow = 0
    for stored in coded.segments {
      // One group that is not a multiple of 8 covers the row: padding belongs to it.
      let group = (stored.group + 7) / 8 * 8
      let set = set.forGroups(of: group, inputs: stored.inputs)
      let kernels = set.kernels
      let bits = AlignedBuffer<UInt8>(
        count: kernels.binary_bits_bytes(stored.outputs, stored.inputs, stored.planes), zeroed: false)
      let scales = AlignedBuffer<UInt16>(
        count: sotto_binary_scales_count(set.pointer, stored.outputs, stored.inputs, group, stored.planes),
        zeroed: false)
      stored.bits.withUnsafeBytes { source in
        guard let base = source.baseAddress else { return }
        kernels.binary_pack(
          base.assumingMemoryBound(to: UInt8.self), stored.scales, stored.outputs, stored.inputs, group,
          stored.planes, bits.pointer, scales.pointer)
      }
      segments.append(
        Segment(
          set: set, firstRow: firstRow, rows: stored.outputs, planes: stored.planes, group: group, bits: bits,
          scales: scales))
      firstRow += stored.outputs
    }
    self.init(
      rows: coded.outputs, inputs: coded.inputs, segments: segments, order: coded.order?.map { Int32($0) },
      columnScale: coded.segments.first?.columnScale, columnOffset: coded.segments.first?.columnOffset)
  }

  private init(
    rows: Int, inputs: Int, segments: [Segment], order: [Int32]? = nil, columnScale: [Float]? = nil,
    columnOffset: [Float]? = nil
  ) {
    self.rows = rows
    self.inputs = inputs
    self.segments = segments
    self.order = order
    places = order.map { order in
      var places = [Int32](repeating: 0, count: order.count)
      for (place, row) in order.enumerated() { places[Int(row)] = Int32(place) }
      return places
    }
    self.columnScale = columnScale
    self.columnOffset = columnOffset
    descriptions = segments.map { segment in
      sotto_binary_matrix(
        rows: segment.rows, inputs: inputs, group: segment.group, planes: segment.planes,
        bits: UnsafePointer(segment.bits.pointer), scales: UnsafePointer(segment.scales.pointer))
    }
    let firstSet = segments.first?.set ?? .best
    self.firstSet = firstSet
    let areAlike = segments.allSatisfy { $0.set == firstSet }
    func most(_ precision: ProductPrecision) -> Int {
      areAlike ? segments.map { $0.set.mostLookupColumns(planes: $0.planes, precision) }.min() ?? 0 : 0
    }
    mostAtOnce = (most(.fast), most(.accurate))
  }

  /// The rows of several matrices one after another, so that one set of look-up tables serves all. nil where their
  /// inputs differ, or where one has column vectors or an order of its own.
  public static func stacked(_ matrices: [BinaryCodedMatrix]) -> BinaryCodedMatrix? {
    guard let first = matrices.first,
      matrices.allSatisfy({
        $0.inputs == first.inputs && $0.order == nil && $0.columnScale == nil && $0.columnOffset == nil
      })
    else { return nil }
    var segments: [Segment] = []
    var firstRow = 0
    for matrix in matrices {
      for s in matrix.segments {
        segments.append(
          Segment(
            set: s.set, firstRow: firstRow + s.firstRow, rows: s.rows, planes: s.planes, group: s.group,
            bits: s.bits, scales: s.scales))
      }
      firstRow += matrix.rows
    }
    return BinaryCodedMatrix(rows: firstRow, inputs: first.inputs, segments: segments)
  }

  /// One row, as floats.
  public func row(_ index: Int) -> [Float] {
    let stored = places.map { Int($0[index]) } ?? index
    guard
      let place = segments.firstIndex(where: { stored >= $0.firstRow && stored < $0.firstRow + $0.rows })
    else { return Array(repeating: 0, count: inputs) }
    var row = [Float](repeating: 0, count: inputs)
    withUnsafePointer(to: descriptions[place]) {
      segments[place].set.kernels.binary_row($0, stored - segments[place].firstRow, &row)
    }
    if let columnScale { for k in row.indices { row[k] *= columnScale[k] } }
    if let columnOffset { for k in row.indices { row[k] += columnOffset[k] } }
    return row
  }
}
