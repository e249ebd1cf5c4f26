// The input vectors of a product, as they lie in a matrix of activations.

/// How the columns (input vectors) of a product lie in the rows of a matrix: column c is the elements of `rows` rows
/// from row `c * stride` on. One row each, for a linear layer; three neighbouring frames, for a convolution.
public struct ColumnWindow: Sendable, Hashable {
  public let rows: Int
  public let stride: Int

  public init(rows: Int, stride: Int) {
    self.rows = max(rows, 1)
    self.stride = max(stride, 1)
  }

  public static let row = ColumnWindow(rows: 1, stride: 1)

  /// Columns that a matrix of `count` rows holds.
  public func columns(in count: Int) -> Int { count < rows ? 0 : (count - rows) / stride + 1 }
}

/// Addresses of the columns of a product, valid while the matrix is borrowed.
struct Columns: @unchecked Sendable {
  let base: UnsafePointer<Float>
  let distance: Int
  let count: Int
}

/// Addresses of the results of a product: [column][row].
struct Results: @unchecked Sendable {
  let base: UnsafeMutablePointer<Float>
  let distance: Int
}
