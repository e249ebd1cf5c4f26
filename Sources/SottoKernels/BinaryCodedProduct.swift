// Products with weights in binary coding: by look-up for few columns, by expanded tiles for many.

import CSottoKernels

/// How exactly a product with weights in binary coding is computed. Errors are of the result's norm, for Gaussian inputs;
/// weights that are not coded are always multiplied as floats.
public enum ProductPrecision: Sendable, Hashable {
  /// Look-up tables of 8 bits: error at most 1.2 %.
  case fast
  /// Look-up tables of 14 bits, 16-bit integers or floats: error at most 0.05 %.
  case accurate

  var code: Int32 { self == .fast ? Int32(SOTTO_FAST) : Int32(SOTTO_ACCURATE) }
}

extension BinaryCodedMatrix {
  func product(_ columns: Columns, _ results: Results, _ precision: ProductPrecision, _ workers: Workers) {
    if columnScale == nil && columnOffset == nil && order == nil {
      productOfCoded(columns, results, precision, workers)
      return
    }
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
      Results(base: stored.pointer, distance: rows), precision, workers)
    let kernels = InstructionSet.best.kernels
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

  private func productOfCoded(
    _ columns: Columns, _ results: Results, _ precision: ProductPrecision, _ workers: Workers
  ) {
    if productAtOnce(columns, results, precision, workers) { return }
    // Segments after one another mostly want the columns in the same form.
    var prepared: PreparedColumns?
    for (place, segment) in segments.enumerated() {
      let form = PreparedColumns.Form(segment, inputs: inputs, columns: columns.count, precision)
      let current: PreparedColumns
      if let prepared, prepared.form == form {
        current = prepared
      } else {
        current = PreparedColumns(columns, inputs: inputs, form)
        prepared = current
      }
      multiply(place, current, results, workers)
    }
  }

  /// Small products by look-up, in one call. False where it is not one.
  private func productAtOnce(
    _ columns: Columns, _ results: Results, _ precision: ProductPrecision, _ workers: Workers
  ) -> Bool {
    guard columns.count <= mostColumnsAtOnce(precision),
      workers.count == 1 || columns.count * rows * inputs <= smallWork
    else { return false }
    return descriptions.withUnsafeBufferPointer {
      guard let base = $0.baseAddress else { return false }
      return sotto_lookup_at_once(
        firstSet.pointer, base, $0.count, precision.code, columns.base, columns.distance, columns.count,
        results.base, results.distance) != 0
    }
  }

  private func multiply(
    _ place: Int, _ prepared: PreparedColumns, _ results: Results, _ workers: Workers
  ) {
    let segment = segments[place]
    let form = prepared.form
    let tileRows = form.set.pointer.pointee.tile_rows
    let tiles = (segment.rows + tileRows - 1) / tileRows
    let work = prepared.count * segment.rows * inputs
    (work > smallWork ? workers : .one).split(tiles) { range in
      let kernels = form.set.pointer
      let target = results.base + segment.firstRow
      withUnsafePointer(to: descriptions[place]) { matrix in
        withUnsafePointer(to: prepared.description) { columns in
          if form.isLookup {
            kernels.pointee.lookup_product(
              matrix, form.precision.code, range.lowerBound, range.upperBound, columns, target,
              results.distance)
          } else {
            let scratch = AlignedBuffer<UInt8>(
              count: kernels.pointee.wide_scratch_bytes(inputs, form.precision.code), zeroed: false)
            kernels.pointee.wide_product(
              matrix, form.precision.code, range.lowerBound, range.upperBound, columns, scratch.pointer,
              target, results.distance)
          }
        }
      }
    }
  }
}

/// The columns of a product in the form that its kernel reads: look-up tables, integers, or as they are.
private struct PreparedColumns: @unchecked Sendable {
  struct Form: Equatable {
    let set: InstructionSet
    let precision: ProductPrecision
    let isLookup: Bool

    init(_ segment: BinaryCodedMatrix.Segment, inputs: Int, columns: Int, _ precision: ProductPrecision) {
      set = segment.set
      isLookup = columns <= segment.set.mostLookupColumns(planes: segment.planes, precision)
      let hasFast = isLookup || segment.planes <= segment.set.pointer.pointee.most_fast_planes
      self.precision = hasFast ? precision : .accurate
    }
  }

  let form: Form
  let count: Int
  private let columns: Columns
  private let buffer: AlignedBuffer<UInt8>?
  private let stride: Int

  init(_ columns: Columns, inputs: Int, _ form: Form) {
    self.form = form
    self.columns = columns
    count = columns.count
    let kernels = form.set.pointer
    let code = form.precision.code
    let bytes =
      form.isLookup
      ? kernels.pointee.lookup_table_bytes(inputs, code) : kernels.pointee.wide_column_bytes(inputs, code)
    stride = (bytes + 63) & ~63
    guard bytes > 0 else {
      buffer = nil
      return
    }
    let buffer = AlignedBuffer<UInt8>(count: columns.count * stride, zeroed: false)
    for c in 0..<columns.count {
      let source = columns.base + c * columns.distance
      let target = buffer.pointer + c * stride
      if form.isLookup {
        kernels.pointee.lookup_build(source, inputs, code, target)
      } else {
        kernels.pointee.wide_prepare(source, inputs, code, target)
      }
    }
    self.buffer = buffer
  }

  /// Valid while `self` lives and the columns are borrowed.
  var description: sotto_columns {
    sotto_columns(
      x: columns.base, ld: columns.distance, count: columns.count,
      prepared: buffer.map { UnsafePointer($0.pointer) }, prepared_stride: stride)
  }
}
