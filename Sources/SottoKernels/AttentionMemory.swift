// Scaled dot-product attention (Vaswani et al. 2017, equation 1) over memory that many queries share.

import CSottoKernels

/// Keys and values of a sequence, packed by head, for many queries: an encoder's own frames, or those that a decoder
/// attends to.
public struct AttentionMemory: Sendable {
  /// Length of the sequence.
  public let count: Int
  public let heads: Int
  /// Width of a head.
  public let dimension: Int
  private let keys: AlignedBuffer<Float>
  private let values: AlignedBuffer<Float>
  private let keyStride: Int
  private let valueStride: Int

  /// Packs keys and values, which are columns `keyColumn...` and `valueColumn...` of the matrices, [count, ≥ heads *
  /// dimension].
  public init(
    keys source: Matrix, keyColumn: Int = 0, values valueSource: Matrix, valueColumn: Int = 0, heads: Int,
    dimension: Int, workers: Workers = .one
  ) {
    precondition(
      source.rows == valueSource.rows && keyColumn + heads * dimension <= source.columns
        && valueColumn + heads * dimension <= valueSource.columns, "sizes of keys and values differ")
    let kernels = InstructionSet.best.kernels
    let width = kernels.panel_rows
    count = source.rows
    self.heads = heads
    self.dimension = dimension
    keyStride = (count + width - 1) / width * width * dimension
    valueStride = (dimension + width - 1) / width * width * count
    let keys = AlignedBuffer<Float>(count: heads * keyStride, zeroed: false)
    let values = AlignedBuffer<Float>(count: heads * valueStride, zeroed: false)
    self.keys = keys
    self.values = values
    let (count, keyStride, valueStride) = (count, keyStride, valueStride)
    source.withUnsafeElements { keyElements in
      valueSource.withUnsafeElements { valueElements in
        guard let k = keyElements.baseAddress, let v = valueElements.baseAddress else { return }
        let fromKeys = Columns(base: k + keyColumn, distance: source.columns, count: count)
        let fromValues = Columns(base: v + valueColumn, distance: valueSource.columns, count: count)
        workers.split(heads) { range in
          for head in range {
            kernels.attention_pack_keys(
              fromKeys.base + head * dimension, fromKeys.distance, count, dimension,
              keys.pointer + head * keyStride)
            kernels.attention_pack_values(
              fromValues.base + head * dimension, fromValues.distance, count, dimension,
              values.pointer + head * valueStride)
          }
        }
      }
    }
  }

  /// Queries at once, so that their scores stay in the second cache.
  private static let queriesAtOnce = 24

  /// Softmax(q Kᵀ / √dimension + bias) V for every head, [queries, heads * dimension].
  ///
  /// - Parameters:
  ///   - queries: matrix whose columns `column ..< column + heads * dimension` are the queries.
  ///   - bias: added to the scores of every query, [count].
  ///   - observe: called, on any thread, with (first query, head, weights [queries][distance], queries, distance).
  public func attend(
    _ queries: Matrix, column: Int = 0, bias: [Float]? = nil, workers: Workers = .one,
    observe: (@Sendable (Int, Int, UnsafePointer<Float>, Int, Int) -> Void)? = nil
  ) -> Matrix {
    var result = Matrix(uninitializedRows: queries.rows, columns: heads * dimension)
    precondition(column + heads * dimension <= queries.columns, "queries are too narrow")
    precondition(bias == nil || bias?.count == count, "bias and keys differ in length")
    if count == 0 || queries.rows == 0 { return Matrix(rows: queries.rows, columns: heads * dimension) }
    let kernels = InstructionSet.best.kernels
    let width = kernels.panel_rows
    let distance = (count + width - 1) / width * width
    let scale = 1 / Float(dimension).squareRoot()
    let rows = queries.rows
    let blocks = (rows + Self.queriesAtOnce - 1) / Self.queriesAtOnce
    queries.withUnsafeElements { source in
      result.withUnsafeMutableElements { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        let input = Columns(base: from + column, distance: queries.columns, count: rows)
        let output = Results(base: to, distance: heads * dimension)
        let work = rows * count * heads * dimension
        (work > smallWork ? workers : .one).split(blocks * heads) { range in
          let weights = AlignedBuffer<Float>(count: min(rows, Self.queriesAtOnce) * distance, zeroed: false)
          for item in range {
            let head = item / blocks
            let first = item % blocks * Self.queriesAtOnce
            let size = min(Self.queriesAtOnce, rows - first)
            kernels.attention(
              input.base + first * input.distance + head * dimension, input.distance, size,
              keys.pointer + head * keyStride, values.pointer + head * valueStride, count, dimension, scale,
              bias, weights.pointer, distance,
              output.base + first * output.distance + head * dimension, output.distance)
            observe?(first, head, UnsafePointer(weights.pointer), size, distance)
          }
        }
      }
    }
    return result
  }
}
