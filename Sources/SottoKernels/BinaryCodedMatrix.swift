// Weights in binary coding, multiplied as they are stored.

import CSottoKernels

/// A matrix [rows, inputs] in binary coding, W ≈ Σₚ αₚ Bₚ with Bₚ in {-1, +1}, packed for the instruction set at hand
/// (the layout is drawn at `sotto_binary_matrix` in CSottoKernels.h).
///
/// Few columns are multiplied by table look-up (BiQGEMM, arXiv 2005.09904, with tables of 4 inputs in registers); for
/// many, tiles of 32 rows are expanded to floats one after another and used for all columns. The float form of the whole
/// matrix never exists.
///
/// Rows of different widths (more planes for frequent words) lie in segments of equal width.
public struct BinaryCodedMatrix: Sendable {
  public let rows: Int
  public let inputs: Int
  private let segments: [Segment]
  /// The row of the matrix that each stored row is; nil where they are in order.
  private let order: [Int32]?
  /// The stored row that each row of the matrix is; nil as `order`.
  private let places: [Int32]?
  /// W[r, k] = columnScale[k] * coded[r, k] + columnOffset[k], where present.
  private let columnScale: [Float]?
  private let columnOffset: [Float]?
  private let set: InstructionSet

  private struct Segment: Sendable {
    let firstRow: Int
    let rows: Int
    let planes: Int
    let group: Int
    let bits: AlignedBuffer<UInt8>
    let scales: AlignedBuffer<UInt16>
  }

  /// Packs a coded matrix. The scales become float16, as which they are stored.
  public init(_ coded: BinaryCodedRows, set: InstructionSet = .best) {
    var segments: [Segment] = []
    var firstRow = 0
    for stored in coded.segments {
      // One group that is not a multiple of 8 covers the row: padding belongs to it.
      let group = (stored.group + 7) / 8 * 8
      let bits = AlignedBuffer<UInt8>(
        count: sotto_binary_bits_bytes(stored.outputs, stored.inputs, stored.planes), zeroed: false)
      let scales = AlignedBuffer<UInt16>(
        count: sotto_binary_scales_count(stored.outputs, stored.inputs, group, stored.planes), zeroed: false)
      stored.bits.withUnsafeBytes { source in
        guard let base = source.baseAddress else { return }
        sotto_binary_pack(
          set.pointer, base.assumingMemoryBound(to: UInt8.self), stored.scales, stored.outputs, stored.inputs,
          group, stored.planes, bits.pointer, scales.pointer)
      }
      segments.append(
        Segment(
          firstRow: firstRow, rows: stored.outputs, planes: stored.planes, group: group, bits: bits,
          scales: scales))
      firstRow += stored.outputs
    }
    rows = coded.outputs
    inputs = coded.inputs
    self.segments = segments
    order = coded.order?.map { Int32($0) }
    places = order.map { order in
      var places = [Int32](repeating: 0, count: order.count)
      for (place, row) in order.enumerated() { places[Int(row)] = Int32(place) }
      return places
    }
    columnScale = coded.segments.first?.columnScale
    columnOffset = coded.segments.first?.columnOffset
    self.set = set
  }

  /// The rows of several matrices one after another, so that one set of look-up tables serves all. nil where their
  /// inputs differ, or where one has column vectors or an order of its own.
  public static func stacked(_ matrices: [BinaryCodedMatrix]) -> BinaryCodedMatrix? {
    guard let first = matrices.first,
      matrices.allSatisfy({
        $0.inputs == first.inputs && $0.order == nil && $0.columnScale == nil && $0.columnOffset == nil
      })
    else { return nil }
    return BinaryCodedMatrix(stacking: matrices, inputs: first.inputs, set: first.set)
  }

  private init(stacking matrices: [BinaryCodedMatrix], inputs: Int, set: InstructionSet) {
    var segments: [Segment] = []
    var firstRow = 0
    for matrix in matrices {
      for s in matrix.segments {
        segments.append(
          Segment(
            firstRow: firstRow + s.firstRow, rows: s.rows, planes: s.planes, group: s.group, bits: s.bits,
            scales: s.scales))
      }
      firstRow += matrix.rows
    }
    self.rows = firstRow
    self.inputs = inputs
    self.segments = segments
    order = nil
    places = nil
    columnScale = nil
    columnOffset = nil
    self.set = set
  }

  /// One row, as floats.
  public func row(_ index: Int) -> [Float] {
    let stored = places.map { Int($0[index]) } ?? index
    guard let segment = segments.first(where: { stored >= $0.firstRow && stored < $0.firstRow + $0.rows })
    else { return Array(repeating: 0, count: inputs) }
    let kernels = set.kernels
    let width = kernels.panel_rows
    let tileRows = Int(SOTTO_TILE_ROWS)
    let depth = (inputs + 7) / 8 * 8
    let panels = AlignedBuffer<Float>(count: depth * tileRows, zeroed: false)
    let local = stored - segment.firstRow
    withUnsafePointer(to: description(of: segment)) {
      kernels.binary_expand($0, local / tileRows, 0, depth, panels.pointer)
    }
    let lane = local % tileRows
    let panel = panels.pointer + lane / width * depth * width + lane % width
    return (0..<inputs).map { input in
      var value = panel[input * width]
      if let columnScale { value *= columnScale[input] }
      if let columnOffset { value += columnOffset[input] }
      return value
    }
  }

  private func description(of segment: Segment) -> sotto_binary_matrix {
    sotto_binary_matrix(
      rows: segment.rows, inputs: inputs, group: segment.group, planes: segment.planes,
      bits: UnsafePointer(segment.bits.pointer), scales: UnsafePointer(segment.scales.pointer))
  }

  // MARK: Products

  /// Up to this many columns look-up is faster than expansion (measured on AVX2 with 5 planes).
  private static let mostLookupColumns = 16

  func product(_ columns: Columns, _ results: Results, _ workers: Workers) {
    if columnScale == nil && columnOffset == nil && order == nil {
      productOfCoded(columns, results, workers)
      return
    }
    let kernels = set.kernels
    let scaled = AlignedBuffer<Float>(count: columns.count * inputs, zeroed: false)
    for c in 0..<columns.count {
      let source = columns.base + c * columns.distance
      let target = scaled.pointer + c * inputs
      if let columnScale {
        for k in 0..<inputs { target[k] = source[k] * columnScale[k] }
      } else {
        target.update(from: source, count: inputs)
      }
    }
    let stored = AlignedBuffer<Float>(count: columns.count * rows, zeroed: false)
    productOfCoded(
      Columns(base: UnsafePointer(scaled.pointer), distance: inputs, count: columns.count),
      Results(base: stored.pointer, distance: rows), workers)
    for c in 0..<columns.count {
      let source = stored.pointer + c * rows
      let target = results.base + c * results.distance
      let shift = columnOffset.map { kernels.dot(columns.base + c * columns.distance, $0, inputs) } ?? 0
      if let order {
        order.withUnsafeBufferPointer { for r in 0..<rows { target[Int($0[r])] = source[r] + shift } }
      } else {
        for r in 0..<rows { target[r] = source[r] + shift }
      }
    }
  }

  private func productOfCoded(_ columns: Columns, _ results: Results, _ workers: Workers) {
    let kernels = set.kernels
    let tableBytes = (kernels.lookup_table_bytes(inputs) + 63) & ~63
    guard columns.count <= Self.mostLookupColumns, tableBytes > 0 else {
      for segment in segments { expandAndMultiply(segment, columns, results, workers) }
      return
    }
    let tables = AlignedBuffer<UInt8>(count: columns.count * tableBytes, zeroed: false)
    for c in 0..<columns.count {
      kernels.lookup_build(columns.base + c * columns.distance, inputs, tables.pointer + c * tableBytes)
    }
    for segment in segments {
      let work = columns.count * segment.rows * inputs
      let tiles = (segment.rows + Int(SOTTO_TILE_ROWS) - 1) / Int(SOTTO_TILE_ROWS)
      (work > smallWork ? workers : .one).split(tiles) { range in
        withUnsafePointer(to: description(of: segment)) {
          kernels.lookup_product(
            $0, range.lowerBound, range.upperBound, tables.pointer, tableBytes, columns.count,
            results.base + segment.firstRow, results.distance)
        }
      }
    }
  }

  private func expandAndMultiply(
    _ segment: Segment, _ columns: Columns, _ results: Results, _ workers: Workers
  ) {
    let kernels = set.kernels
    let tileRows = Int(SOTTO_TILE_ROWS)
    let work = columns.count * segment.rows * inputs
    (work > smallWork ? workers : .one).split(segment.rows, step: tileRows) { range in
      let panels = AlignedBuffer<Float>(count: (min(inputs, 384) + 7) / 8 * 8 * tileRows, zeroed: false)
      withUnsafePointer(to: description(of: segment)) { matrix in
        multiplyBlocked(
          columns, Results(base: results.base + segment.firstRow, distance: results.distance), rows: range,
          inputs: inputs, kernels
        ) { row, input, depth in
          let padded = (depth + 7) / 8 * 8
          kernels.binary_expand(matrix, row / tileRows, input, padded, panels.pointer)
          return (UnsafePointer(panels.pointer), padded * kernels.panel_rows)
        }
      }
    }
  }
}
