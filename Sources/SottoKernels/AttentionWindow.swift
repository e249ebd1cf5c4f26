// Keys and values of the newest frames of a stream: the memory of attention that looks back a fixed way.

import CSottoKernels

/// The keys and values of up to `capacity` frames, packed by head as `AttentionMemory` packs them, in a ring: what
/// comes in takes the place of the oldest. Their order does not matter to attention, so nothing is moved.
public final class AttentionWindow {
  /// Frames.
  public let capacity: Int
  public let heads: Int
  /// Width of a head.
  public let dimension: Int
  /// [head][panel of frames][dimension][frame of the panel].
  private let keys: AlignedBuffer<Float>
  /// [head][panel of dimensions][frame][dimension of the panel].
  private let values: AlignedBuffer<Float>
  /// Added to the scores of each frame: 0 for those that are there, -∞ for the others.
  private let bias: AlignedBuffer<Float>
  private let keyStride: Int
  private let valueStride: Int
  private let panel: Int
  /// Where the next frame goes.
  private var next = 0

  public init(capacity: Int, heads: Int, dimension: Int) {
    precondition(capacity > 0 && heads > 0 && dimension > 0, "an attention window without room")
    panel = InstructionSet.best.kernels.panel_rows
    self.capacity = capacity
    self.heads = heads
    self.dimension = dimension
    keyStride = (capacity + panel - 1) / panel * panel * dimension
    valueStride = (dimension + panel - 1) / panel * panel * capacity
    keys = AlignedBuffer(count: heads * keyStride)
    values = AlignedBuffer(count: heads * valueStride)
    bias = AlignedBuffer(count: capacity, zeroed: false)
    clear()
  }

  /// Forgets all frames.
  public func clear() {
    bias.pointer.update(repeating: -.infinity, count: capacity)
    // Numbers that nothing weighs must still be finite.
    keys.pointer.update(repeating: 0, count: heads * keyStride)
    values.pointer.update(repeating: 0, count: heads * valueStride)
    next = 0
  }

  /// Puts all rows of `source` in the place of the oldest frames, and forgets as many more as make it `room` in all.
  ///
  /// - Parameters:
  ///   - source: keys are its columns from `keyColumn` on, values those from `valueColumn` on.
  ///   - room: at least `source.rows`, at most `capacity`.
  public func append(_ source: Matrix, keyColumn: Int, valueColumn: Int, room: Int) {
    let width = heads * dimension
    precondition(source.rows <= room && room <= capacity, "more frames than room")
    precondition(max(keyColumn, valueColumn) + width <= source.columns, "rows are too narrow")
    source.withUnsafeElements { elements in
      for row in 0..<room {
        let slot = (next + row) % capacity
        bias.pointer[slot] = row < source.rows ? 0 : -.infinity
        guard row < source.rows, let base = elements.baseAddress else { continue }
        let from = base + row * source.columns
        for head in 0..<heads {
          store(key: from + keyColumn + head * dimension, head: head, slot: slot)
          store(value: from + valueColumn + head * dimension, head: head, slot: slot)
        }
      }
    }
    next = (next + room) % capacity
  }

  /// Forgets the newest frames, those that `room` made without being there included; what comes next takes their place.
  ///
  /// - Parameter count: at most the `room` of the last call of `append`.
  public func forget(newest count: Int) {
    precondition(count >= 0 && count <= capacity, "more frames than room")
    next = (next - count + capacity) % capacity
    for offset in 0..<count { bias.pointer[(next + offset) % capacity] = -.infinity }
  }

  private func store(key: UnsafePointer<Float>, head: Int, slot: Int) {
    let target = keys.pointer + head * keyStride + slot / panel * panel * dimension + slot % panel
    for d in 0..<dimension { target[d * panel] = key[d] }
  }

  private func store(value: UnsafePointer<Float>, head: Int, slot: Int) {
    let target = values.pointer + head * valueStride + slot * panel
    for first in stride(from: 0, to: dimension, by: panel) {
      (target + first * capacity).update(from: value + first, count: min(panel, dimension - first))
    }
  }

  /// Queries at once, so that their scores stay in the first caches.
  private static let queriesAtOnce = 24

  /// Softmax(q Kᵀ / √dimension) V over the frames that are there, for every head, written to `result` [queries, heads *
  /// dimension].
  ///
  /// - Parameter queries: matrix whose columns `column ..< column + heads * dimension` are the queries.
  public func attend(_ queries: Matrix, column: Int = 0, into result: inout Matrix, workers: Workers = .one) {
    let width = heads * dimension
    precondition(column + width <= queries.columns, "queries are too narrow")
    if result.rows != queries.rows || result.columns != width {
      result = Matrix(uninitializedRows: queries.rows, columns: width)
    }
    let rows = queries.rows
    let kernels = InstructionSet.best.kernels
    let distance = (capacity + panel - 1) / panel * panel
    let scale = 1 / Float(dimension).squareRoot()
    let (keys, values, bias, keyStride, valueStride) = (keys, values, bias, keyStride, valueStride)
    let (heads, dimension, capacity) = (heads, dimension, capacity)
    queries.withUnsafeElements { source in
      result.withUnsafeMutableElements { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        let input = Columns(base: from + column, distance: queries.columns, count: rows)
        let output = Results(base: to, distance: width)
        (rows * capacity * width > smallWork ? workers : .one).split(heads) { range in
          let weights = AlignedBuffer<Float>(count: min(rows, Self.queriesAtOnce) * distance, zeroed: false)
          for head in range {
            for first in stride(from: 0, to: rows, by: Self.queriesAtOnce) {
              kernels.attention(
                input.base + first * input.distance + head * dimension, input.distance,
                min(Self.queriesAtOnce, rows - first), keys.pointer + head * keyStride,
                values.pointer + head * valueStride, capacity, dimension, scale, bias.pointer,
                weights.pointer,
                distance, output.base + first * output.distance + head * dimension, output.distance)
            }
          }
        }
      }
    }
  }
}
