// What a decoder remembers of the pieces said so far.

import SottoKernels

/// An LSTM over the pieces of a text, which sees nothing of what was heard: what follows a prefix is computed once.
struct Predictor: Sendable {
  /// [pieces + 1, embedding]: row 0 is the start of a text, row i + 1 piece i.
  let embedding: Weights
  let layer: Recurrent

  var width: Int { layer.width }

  init(_ file: ModelFile, embedding width: Int, width own: Int) throws {
    embedding = try file.weights(
      "predictor.embedding.weight", rows: file.configuration.vocabulary.size + 1, inputs: width)
    layer = try Recurrent(file, "predictor", inputs: width, width: own)
  }

  /// After some pieces. Copies share memory.
  struct State: Sendable {
    fileprivate let hidden: Matrix
    fileprivate let cell: Matrix
  }

  /// Outputs [1, width] before the first piece, or after one piece more than `before`.
  ///
  /// - Precondition: the piece is one of the vocabulary.
  func callAsFunction(
    after before: State? = nil, piece: Int? = nil, _ context: ComputeContext
  ) -> (state: State, outputs: Matrix) {
    var state = Recurrent.State(width: width)
    if let before { (state.hidden, state.cell) = (before.hidden, before.cell) }
    var y = Matrix(rows: 0, columns: 0)
    let row = piece.map { $0 + 1 } ?? 0
    let x = Matrix(rows: 1, columns: embedding.inputs, elements: embedding.row(row))
    layer(x, state: &state, into: &y, context)
    return (State(hidden: state.hidden, cell: state.cell), y)
  }
}
