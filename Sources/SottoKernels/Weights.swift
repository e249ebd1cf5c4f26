// Weights of a linear map, dense or in binary coding, and the one product that layers use.

/// A matrix of weights [rows, inputs], packed for the instruction set at hand.
public enum Weights: Sendable {
  case dense(DenseWeights)
  case binary(BinaryCodedMatrix)

  /// Outputs.
  public var rows: Int {
    switch self {
    case .dense(let weights): weights.rows
    case .binary(let weights): weights.rows
    }
  }

  public var inputs: Int {
    switch self {
    case .dense(let weights): weights.inputs
    case .binary(let weights): weights.inputs
    }
  }

  /// y = x Wᵀ + bias, [columns, rows], for the columns that `window` cuts from `x`.
  ///
  /// - Precondition: `window.rows * x.columns == inputs`, and `bias`, where given, has `rows` elements.
  public func product(
    _ x: Matrix, window: ColumnWindow = .row, bias: [Float]? = nil,
    precision: ProductPrecision = .accurate, workers: Workers = .one
  ) -> Matrix {
    var y = Matrix(uninitializedRows: window.columns(in: x.rows), columns: rows)
    product(x, window: window, bias: bias, into: &y, precision: precision, workers: workers)
    return y
  }

  /// The same, into a matrix that is there already; it is replaced where its size is another.
  public func product(
    _ x: Matrix, window: ColumnWindow = .row, bias: [Float]? = nil, into y: inout Matrix,
    precision: ProductPrecision = .accurate, workers: Workers = .one
  ) {
    precondition(window.rows * x.columns == inputs, "columns of the product and weights differ in length")
    precondition(bias == nil || bias?.count == rows, "bias and weights differ in length")
    let count = window.columns(in: x.rows)
    if y.rows != count || y.columns != rows { y = Matrix(uninitializedRows: count, columns: rows) }
    if count == 0 || rows == 0 { return }
    x.withUnsafeElements { source in
      y.withUnsafeMutableElements { target in
        guard let input = source.baseAddress, let output = target.baseAddress else { return }
        let columns = Columns(base: input, distance: window.stride * x.columns, count: count)
        let results = Results(base: output, distance: rows)
        switch self {
        case .dense(let weights): weights.product(columns, results, workers)
        case .binary(let weights): weights.product(columns, results, precision, workers)
        }
        if let bias {
          let kernels = InstructionSet.best.kernels
          for c in 0..<count { kernels.add(output + c * rows, bias, rows) }
        }
      }
    }
  }

  /// One row, as floats.
  public func row(_ index: Int) -> [Float] {
    switch self {
    case .dense(let weights): weights.row(index)
    case .binary(let weights): weights.row(index)
    }
  }
}
