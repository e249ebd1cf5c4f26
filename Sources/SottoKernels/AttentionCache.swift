// Keys and values that a decoder has computed, one slot a token, shared by hypotheses with a common past.

import CSottoKernels

/// Rows of keys and values in slots. A hypothesis is a list of slots, so that a beam search copies no cache when
/// hypotheses branch or fall away.
public final class AttentionCache {
  private let heads: Int
  private let dimension: Int
  private let capacity: Int
  private let keys: AlignedBuffer<Float>
  private let values: AlignedBuffer<Float>
  private let weights: AlignedBuffer<Float>

  /// - Parameter capacity: slots.
  public init(capacity: Int, heads: Int, dimension: Int) {
    self.capacity = capacity
    self.heads = heads
    self.dimension = dimension
    keys = AlignedBuffer(count: capacity * heads * dimension, zeroed: false)
    values = AlignedBuffer(count: capacity * heads * dimension, zeroed: false)
    weights = AlignedBuffer(count: capacity)
  }

  /// Stores columns `keyColumn...` and `valueColumn...` of a row in a slot.
  public func store(_ source: Matrix, row: Int, keyColumn: Int, valueColumn: Int, slot: Int) {
    let width = heads * dimension
    precondition(slot >= 0 && slot < capacity && row < source.rows, "slot or row out of range")
    precondition(max(keyColumn, valueColumn) + width <= source.columns, "row too narrow")
    source.withUnsafeElements { elements in
      guard let base = elements.baseAddress else { return }
      let from = base + row * source.columns
      (keys.pointer + slot * width).update(from: from + keyColumn, count: width)
      (values.pointer + slot * width).update(from: from + valueColumn, count: width)
    }
  }

  /// Attention of one query (a row of `queries`, from `column` on) over `slots`, written to a row of `result`.
  public func attend(
    _ queries: Matrix, row: Int, column: Int, over slots: [Int32], into result: inout Matrix
  ) {
    let width = heads * dimension
    precondition(
      slots.count <= capacity && slots.allSatisfy { $0 >= 0 && Int($0) < capacity }, "slot out of range")
    precondition(row < queries.rows && column + width <= queries.columns, "query out of range")
    precondition(row < result.rows && result.columns == width, "result out of range")
    queries.withUnsafeElements { source in
      result.withUnsafeMutableElements { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        InstructionSet.best.kernels.attention_indexed(
          from + row * queries.columns + column, keys.pointer, values.pointer, width, slots, slots.count,
          heads,
          dimension, 1 / Float(dimension).squareRoot(), weights.pointer, to + row * width)
      }
    }
  }
}
