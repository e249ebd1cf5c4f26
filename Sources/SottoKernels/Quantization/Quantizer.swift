// Finds the binary coding of a matrix.

import Dispatch
import Synchronization

/// How a matrix is coded.
public struct QuantizationSettings: Sendable {
  /// Rows that get the same number of planes. All segments together name each row of the matrix once.
  public struct Segment: Sendable, Hashable {
    public var planes: Int
    public var rows: [UInt32]

    public init(planes: Int, rows: [UInt32]) {
      self.planes = planes
      self.rows = rows
    }
  }

  /// Planes of all rows, where there are no segments.
  public var planes: Int
  /// Inputs that share scales, a multiple of 8; nil, or more than a row has: the whole row.
  public var group: Int?
  public var segments: [Segment]?
  /// Take out the columns' means; even out their spread.
  public var centersColumns = false
  public var scalesColumns = false
  /// [inputs], what a squared error of each column costs; nil: all the same. Not used with second moments.
  public var importance: [Float]?
  /// Second moments E[x xᵀ] of the inputs, [inputs, inputs]; nil: errors count the same in all directions.
  public var moments: Matrix?
  /// Added to the diagonal of the moments, relative to its mean. It keeps directions that the calibration hardly saw
  /// from counting nothing: little audio wants more (0.1 for some thousand inputs of a layer of 1536), much audio less.
  public var damping: Float = 0.03
  /// How much of what rows lose along themselves is given back, 0 to 1. A code v' nearest to a row v is shorter, ⟨v', v⟩ = ‖v'‖²: inputs
  /// that are like the row, which are those that an output layer has to know it by, get too small a product, by an eighth with 2
  /// planes. With 1 scales grow until ⟨v', v⟩ = ‖v‖², and the error in all other directions with them.
  public var restoration: Float = 0
  /// Threads; 0: one for each core. The result does not depend on it.
  public var threads = 0

  public init(planes: Int, group: Int? = nil) {
    self.planes = planes
    self.group = group
  }
}

public enum Quantizer {
  /// Rows that a thread takes at a time.
  private static let block = 16

  /// Codes a matrix.
  ///
  /// Without second moments it minimizes Σ importance · (W - Ŵ)². With them it minimizes tr((W - Ŵ) H (W - Ŵ)ᵀ), the
  /// squared error of the layer's output, by error compensation and refinement; no row is worse under H than without.
  /// Deterministic.
  ///
  /// - Parameter weights: [outputs, inputs].
  /// - Throws: `BinaryCodingError` where weights, importance or moments are not finite, or settings do not fit.
  public static func quantize(_ weights: Matrix, _ settings: QuantizationSettings) throws -> BinaryCodedRows {
    let (outputs, inputs) = (weights.rows, weights.columns)
    guard outputs > 0, inputs > 0 else { throw BinaryCodingError.shape("a matrix without elements") }
    guard weights.withUnsafeElements({ $0.allSatisfy(\.isFinite) }) else {
      throw BinaryCodingError.notFinite("the matrix")
    }
    if let importance = settings.importance {
      guard importance.count == inputs, importance.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
        throw BinaryCodingError.shape("importance that is not one finite, non-negative number an input")
      }
    }
    let group = min(settings.group ?? inputs, inputs)
    let columns = ColumnTransform(
      fitting: weights, centered: settings.centersColumns, scaled: settings.scalesColumns)
    let curvature = try settings.moments.flatMap {
      try Curvature(moments: $0, columnScale: columns.scale, inputs: inputs, damping: settings.damping)
    }
    // What a column's error counts after its scale has been taken out.
    var importance = settings.importance ?? [Float](repeating: 1, count: inputs)
    if let scale = columns.scale {
      for column in 0..<inputs { importance[column] *= scale[column] * scale[column] }
    }
    let normalized = columns.normalized(weights)
    guard normalized.withUnsafeElements({ $0.allSatisfy(\.isFinite) }) else {
      throw BinaryCodingError.notFinite("the matrix without its columns' scales")
    }

    let everyRow = (0..<UInt32(outputs)).map { $0 }
    let segments = settings.segments ?? [.init(planes: settings.planes, rows: everyRow)]
    guard (0...1).contains(settings.restoration) else {
      throw BinaryCodingError.shape("a restoration of \(settings.restoration); 0 to 1 is possible")
    }
    guard segments.allSatisfy({ $0.rows.allSatisfy { $0 < outputs } }) else {
      throw BinaryCodingError.shape("segments that name rows beyond \(outputs)")
    }
    let coded = try segments.map { segment in
      try code(
        normalized, rows: segment.rows, planes: segment.planes, group: group, columns: columns,
        importance: importance, curvature: curvature, restoration: settings.restoration,
        threads: settings.threads)
    }
    let order = segments.flatMap(\.rows)
    return try BinaryCodedRows(segments: coded, order: order == everyRow ? nil : order)
  }

  private static func code(
    _ weights: Matrix, rows: [UInt32], planes: Int, group: Int, columns: ColumnTransform, importance: [Float],
    curvature: Curvature?, restoration: Float, threads: Int
  ) throws -> BinaryCodedTensor {
    let inputs = weights.columns
    // Checked before any work, and again, with the results, by the tensor itself.
    guard (1...BinaryCodedTensor.mostPlanes).contains(planes), group == inputs || group % 8 == 0, group > 0
    else {
      throw BinaryCodingError.shape(
        "\(planes) planes in groups of \(group); 1 to 8, in multiples of 8, are possible")
    }
    let rowBytes = (inputs + 7) / 8
    let rowScales = (inputs + group - 1) / group * planes
    let bits = AlignedBuffer<UInt8>(count: planes * rows.count * rowBytes)
    let scales = AlignedBuffer<Float>(count: rows.count * rowScales)
    forEachBlock(of: rows.count, threads: threads) {
      RowCoder(inputs: inputs, group: group, planes: planes, importance: importance, curvature: curvature)
    } body: { coder, place in
      weights.withUnsafeElements { elements in
        guard let source = elements.baseAddress else { return }
        coder.code(source + Int(rows[place]) * inputs)
        coder.restore(source + Int(rows[place]) * inputs, restoration)
      }
      (scales.pointer + place * rowScales).update(from: coder.scales.pointer, count: rowScales)
      for plane in 0..<planes {
        let target = bits.pointer + (plane * rows.count + place) * rowBytes
        for column in 0..<inputs {
          target[column >> 3] |= (coder.codes.pointer[column] >> UInt8(plane) & 1) << UInt8(column & 7)
        }
      }
    }
    return try BinaryCodedTensor(
      outputs: rows.count, inputs: inputs, group: group, planes: planes,
      bits: SharedBytes(UnsafeRawBufferPointer(start: bits.pointer, count: bits.count), owner: bits),
      scales: Array(UnsafeBufferPointer(start: scales.pointer, count: scales.count)),
      columnScale: columns.scale,
      columnOffset: columns.offset)
  }

  /// Calls `body` for each index on several threads, each with a state of its own. A body writes only what belongs to
  /// its index.
  static func forEachBlock<State>(
    of count: Int, threads: Int, state makeState: @Sendable () -> State,
    body: @Sendable (State, Int) -> Void
  ) {
    let blocks = (count + block - 1) / block
    let workers = min(threads > 0 ? threads : ProcessorCount.active, blocks)
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      let state = makeState()
      while true {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        if number >= blocks { return }
        for index in (number * block)..<min((number + 1) * block, count) { body(state, index) }
      }
    }
  }
}
