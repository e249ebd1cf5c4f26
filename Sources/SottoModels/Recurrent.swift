// A recurrent layer (LSTM: Hochreiter and Schmidhuber 1997; gates in PyTorch's order: input, forget, cell, output).

import SottoKernels

/// y [N, width] of x [N, inputs], step after step, from a state on.
public struct Recurrent: Sendable {
  public let width: Int
  /// [4 * width, inputs].
  let input: Weights
  /// [4 * width, width].
  let recurrent: Weights
  let bias: [Float]
  private let name: String

  init(_ file: ModelFile, _ name: String, inputs: Int, width: Int) throws {
    input = try file.weights(name + ".input.weight", rows: 4 * width, inputs: inputs)
    recurrent = try file.weights(name + ".recurrent.weight", rows: 4 * width, inputs: width)
    bias = try file.floats(name + ".bias", shape: [4 * width])
    self.width = width
    self.name = name
  }

  /// What the layer remembers, and room to compute in.
  public struct State: Sendable {
    var hidden: Matrix
    var cell: Matrix
    fileprivate var inputGates = Matrix(rows: 0, columns: 0)
    fileprivate var hiddenGates = Matrix(rows: 0, columns: 0)

    public init(width: Int) {
      hidden = Matrix(rows: 1, columns: width)
      cell = Matrix(rows: 1, columns: width)
    }

    /// Back to the start of a sequence.
    public mutating func reset() {
      hidden = Matrix(rows: 1, columns: hidden.columns)
      cell = Matrix(rows: 1, columns: cell.columns)
    }
  }

  /// - Parameters:
  ///   - window: rows of `x` that make one input.
  ///   - y: the outputs; replaced where its size is another.
  public func callAsFunction(
    _ x: Matrix, window: ColumnWindow = .row, state: inout State, into y: inout Matrix,
    _ context: ComputeContext
  ) {
    let count = window.columns(in: x.rows)
    if y.rows != count || y.columns != width { y = Matrix(rows: count, columns: width) }
    context.observe(name + ".input.weight", x, window: window)
    input.product(x, window: window, bias: bias, into: &state.inputGates, workers: context.workers)
    for row in 0..<count {
      context.observe(name + ".recurrent.weight", state.hidden)
      recurrent.product(state.hidden, into: &state.hiddenGates, workers: context.workers)
      Matrix.stepLSTM(
        state.inputGates, row: row, hiddenGates: state.hiddenGates, cell: &state.cell, hidden: &state.hidden)
      y.replaceRows(from: row, with: state.hidden)
    }
  }
}
