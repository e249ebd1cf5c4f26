// The dense matrix that activations live in.

/// A row-major matrix of `Float`, [rows, columns], without padding between rows. A value: copies share memory until
/// one of them is written.
///
/// Activations are stored with one row a time step (frame, token), so that a "column" of the BiQGEMM papers, one
/// input vector, is a row here.
public struct Matrix: Sendable {
  public let rows: Int
  public let columns: Int
  private var storage: AlignedBuffer<Float>

  /// A matrix of zeros. Negative sizes count as 0.
  public init(rows: Int, columns: Int) {
    self.rows = max(rows, 0)
    self.columns = max(columns, 0)
    storage = AlignedBuffer(count: self.rows * self.columns)
  }

  /// A matrix whose elements are all written before they are read.
  init(uninitializedRows rows: Int, columns: Int) {
    self.rows = max(rows, 0)
    self.columns = max(columns, 0)
    storage = AlignedBuffer(count: self.rows * self.columns, zeroed: false)
  }

  /// A matrix with the given elements in row-major order; missing elements are 0, surplus ones are left out.
  public init(rows: Int, columns: Int, elements: [Float]) {
    self.init(rows: rows, columns: columns)
    let count = min(elements.count, self.rows * self.columns)
    elements.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { storage.pointer.update(from: base, count: count) }
    }
  }

  public subscript(row: Int, column: Int) -> Float {
    get {
      let index = row * columns + column
      return withUnsafeElements { $0[index] }
    }
    set {
      let index = row * columns + column
      withUnsafeMutableElements { $0[index] = newValue }
    }
  }

  /// All elements in row-major order.
  public var elements: [Float] { withUnsafeElements { Array($0) } }

  /// The elements of one row.
  public func row(_ index: Int) -> [Float] {
    withUnsafeElements { Array($0[(index * columns)..<((index + 1) * columns)]) }
  }

  /// The rows of `range`, which must lie inside the matrix.
  public func rows(_ range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows out of range")
    let result = Matrix(uninitializedRows: range.count, columns: columns)
    result.storage.pointer.update(
      from: storage.pointer + range.lowerBound * columns, count: range.count * columns)
    return result
  }

  /// Copies `other`, of as many columns, over the rows from `first` on, which must lie inside the matrix.
  public mutating func replaceRows(from first: Int, with other: Matrix) {
    precondition(
      first >= 0 && first + other.rows <= rows && other.columns == columns, "rows out of range")
    let columns = columns
    withUnsafeMutableElements { target in
      other.withUnsafeElements { source in
        guard let to = target.baseAddress, let from = source.baseAddress else { return }
        (to + first * columns).update(from: from, count: source.count)
      }
    }
  }

  public func withUnsafeElements<Result>(
    _ body: (UnsafeBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    try withExtendedLifetime(storage) {
      try body(UnsafeBufferPointer(start: storage.pointer, count: storage.count))
    }
  }

  public mutating func withUnsafeMutableElements<Result>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    if !isKnownUniquelyReferenced(&storage) { storage = storage.copy() }
    return try withExtendedLifetime(storage) {
      try body(UnsafeMutableBufferPointer(start: storage.pointer, count: storage.count))
    }
  }
}
