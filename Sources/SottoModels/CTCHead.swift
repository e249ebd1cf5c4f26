// From states of a streaming encoder to scores of word pieces.

import SottoKernels

/// States [N, width] to log-probabilities [N / stack, pieces + 1]: neighbouring states stacked, recurrent layers, a
/// linear layer, log-softmax. Class 0 is the blank, piece i is class i + 1 (Graves et al. 2006).
public struct CTCHead: Sendable {
  let layers: [Recurrent]
  let output: Linear
  /// States that make one row of scores.
  public let stack: Int
  /// Pieces and the blank.
  public var classes: Int { output.outputs }
  /// Outputs of the last recurrent layer.
  public var width: Int { layers.last?.width ?? 0 }

  /// - Throws: `ModelError`, also where the model is of another family.
  public init(_ file: ModelFile) throws {
    let shape = try file.part(\.recurrent, of: .ctc)
    let width = file.configuration.encoder.width
    layers = try (0..<shape.layers).map { index in
      try Recurrent(
        file, "recurrent.\(index)", inputs: index == 0 ? shape.stack * width : shape.width,
        width: shape.width)
    }
    output = try Linear(
      file, ["output"], inputs: shape.width, outputs: file.configuration.vocabulary.size + 1)
    stack = shape.stack
  }

  /// What the layers remember, and room to compute in.
  public struct State: Sendable {
    fileprivate var layers: [Recurrent.State]
    fileprivate var outputs: [Matrix]

    public init(_ head: CTCHead) {
      layers = head.layers.map { Recurrent.State(width: $0.width) }
      outputs = head.layers.map { _ in Matrix(rows: 0, columns: 0) }
    }

    /// Outputs of the last recurrent layer for the rows of scores that came last, [rows, width].
    public var heard: Matrix { outputs.last ?? Matrix(rows: 0, columns: 0) }

    /// Back to the start of a stream.
    public mutating func reset() {
      for index in layers.indices { layers[index].reset() }
    }
  }

  /// Writes the scores of `states` to `scores`, which is replaced where its size is another. States that are too few for a
  /// last row are left out: only the last chunk of a stream may have them.
  public func callAsFunction(
    _ states: Matrix, state: inout State, into scores: inout Matrix, _ context: ComputeContext
  ) {
    for (index, layer) in layers.enumerated() {
      if index == 0 {
        layer(
          states, window: ColumnWindow(rows: stack, stride: stack), state: &state.layers[0],
          into: &state.outputs[0], context)
      } else {
        // Taken out, so that it is not copied while the next is written.
        var x = Matrix(rows: 0, columns: 0)
        swap(&x, &state.outputs[index - 1])
        layer(x, state: &state.layers[index], into: &state.outputs[index], context)
        swap(&x, &state.outputs[index - 1])
      }
    }
    output(state.outputs[layers.count - 1], into: &scores, context)
    scores.applyLogSoftmax()
  }
}
