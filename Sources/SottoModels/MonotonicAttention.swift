// Monotonic chunkwise attention on a CTC model (MoChA: Chiu and Raffel, arXiv 1712.05382).

import Glibc
import SottoKernels

/// Whether a text goes on in a row, and with which piece: what stops there looks back over a window of rows.
///
///     g = LSTM of the pieces said so far; h = rows of the CTC model's last recurrent layer (`CTCStream.heard`)
///     stop       log-odds: d·tanh(stop.heard(h) + stop.recalled(g)) + offset + log-odds that anything begins for CTC
///     attention  softmax over the window of query(g)·key(h) / √D + a number for each place in it
///     piece      log-softmax(log o + output(tanh(attention of heard(h) + recalled(g))))
///
/// o are the probabilities of what begins in the row for CTC. One piece at most is said in a row.
public struct MonotonicAttention: Sendable {
  let predictor: Predictor
  let stopHeard: Linear
  let stopRecalled: Linear
  /// d and the offset.
  let direction: [Float]
  let offset: Float
  let key: Linear
  let query: Linear
  /// What is added for each place in the window, oldest first.
  let places: [Float]
  let heard: Linear
  let recalled: Linear
  let output: Linear
  /// Width of the rows that it hears.
  public let width: Int

  /// Without a blank.
  public var pieces: Int { output.outputs }
  /// Rows that are looked back over, the one of the stop included.
  public var window: Int { places.count }

  /// - Throws: `ModelError`, also where the model is of another family.
  public init(_ file: ModelFile) throws {
    let shape = try file.part(\.mocha, of: .mocha)
    let width = try file.part(\.recurrent, of: .mocha).width
    self.width = width
    predictor = try Predictor(file, embedding: shape.embedding, width: shape.predictor)
    func layer(_ name: String, inputs: Int, outputs: Int) throws -> Linear {
      try Linear(file, [name], inputs: inputs, outputs: outputs)
    }
    stopHeard = try layer("stop.heard", inputs: width, outputs: shape.energy)
    stopRecalled = try layer("stop.recalled", inputs: shape.predictor, outputs: shape.energy)
    direction = try file.floats("stop.direction", shape: [shape.energy])
    offset = try file.floats("stop.offset", shape: [1])[0]
    key = try layer("attention.key", inputs: width, outputs: shape.energy)
    query = try layer("attention.query", inputs: shape.predictor, outputs: shape.energy)
    places = try file.floats("attention.places", shape: [shape.window])
    heard = try layer("output.heard", inputs: width, outputs: shape.inner)
    recalled = try layer("output.recalled", inputs: shape.predictor, outputs: shape.inner)
    output = try layer("output", inputs: shape.inner, outputs: file.configuration.vocabulary.size)
  }

  /// What is remembered of the pieces said so far. Copies share memory.
  public struct Prefix: Sendable {
    fileprivate let state: Predictor.State
    fileprivate let stop: [Float]
    fileprivate let query: [Float]
    fileprivate let recalled: [Float]
  }

  /// Before the first piece.
  public func start(_ context: ComputeContext) -> Prefix { remembering(predictor(context), context) }

  /// A prefix with one piece more.
  ///
  /// - Precondition: the piece is one of the vocabulary.
  public func extended(_ prefix: Prefix, by piece: Int, _ context: ComputeContext) -> Prefix {
    remembering(predictor(after: prefix.state, piece: piece, context), context)
  }

  private func remembering(
    _ predicted: (state: Predictor.State, outputs: Matrix), _ context: ComputeContext
  ) -> Prefix {
    let outputs = predicted.outputs
    return Prefix(
      state: predicted.state, stop: stopRecalled(outputs, context).elements,
      query: query(outputs, context).elements, recalled: recalled(outputs, context).elements)
  }

  /// What was heard last: as many rows as the window has, or those that there were.
  public struct Past: Sendable {
    /// Of the last row.
    fileprivate var stop: [Float] = []
    /// Oldest first.
    fileprivate var keys: [[Float]] = []
    fileprivate var values: [[Float]] = []

    public init() {}
  }

  /// Takes the next row of what was heard, [1, width].
  public func hear(_ row: Matrix, _ past: inout Past, _ context: ComputeContext) {
    precondition(row.rows == 1 && row.columns == width, "sizes of a row differ")
    if past.keys.count == window {
      past.keys.removeFirst()
      past.values.removeFirst()
    }
    past.stop = stopHeard(row, context).elements
    past.keys.append(key(row, context).elements)
    past.values.append(heard(row, context).elements)
  }

  /// Log-odds that the text goes on in the last row, for each prefix.
  ///
  /// - Parameter onsets: log-probabilities of what begins there for CTC, the blank first.
  /// - Precondition: a row was heard.
  public func stops(_ past: Past, onsets: [Float], after prefixes: [Prefix]) -> [Float] {
    precondition(
      !past.stop.isEmpty && onsets.count == pieces + 1, "nothing was heard, or onsets of another model")
    let prior = logf(max(1 - expf(onsets[0]), Self.least)) - onsets[0] + offset
    return prefixes.map { prefix in
      var sum = prior
      for index in direction.indices {
        sum += direction[index] * tanhf(past.stop[index] + prefix.stop[index])
      }
      return sum
    }
  }

  /// A probability is at least as large before its logarithm is taken.
  private static let least: Float = 1e-6

  /// Writes the log-probabilities of each piece where the text goes on in the last row, [prefixes, pieces].
  ///
  /// - Precondition: as above.
  public func score(
    _ past: Past, onsets: [Float], after prefixes: [Prefix], into scores: inout Matrix,
    _ context: ComputeContext
  ) {
    precondition(
      !past.stop.isEmpty && onsets.count == pieces + 1, "nothing was heard, or onsets of another model")
    let columns = recalled.outputs
    var inner = Matrix(rows: prefixes.count, columns: columns)
    inner.withUnsafeMutableElements { inner in
      for (place, prefix) in prefixes.enumerated() {
        let attended = attend(past, prefix.query)
        for index in 0..<columns {
          inner[place * columns + index] = tanhf(attended[index] + prefix.recalled[index])
        }
      }
    }
    output(inner, into: &scores, context)
    let pieces = pieces
    scores.withUnsafeMutableElements { scores in
      for place in prefixes.indices {
        for index in 0..<pieces { scores[place * pieces + index] += onsets[index + 1] }
      }
    }
    scores.applyLogSoftmax()
  }

  /// The values of the window, [inner], by the attention of a query.
  private func attend(_ past: Past, _ query: [Float]) -> [Float] {
    let scale = 1 / Float(query.count).squareRoot()
    let missing = window - past.keys.count
    var weights = past.keys.enumerated().map { place, key in
      zip(query, key).reduce(0) { $0 + $1.0 * $1.1 } * scale + places[missing + place]
    }
    let largest = weights.max() ?? 0
    for index in weights.indices { weights[index] = expf(weights[index] - largest) }
    let sum = weights.reduce(0, +)
    var result = [Float](repeating: 0, count: recalled.outputs)
    for (weight, value) in zip(weights, past.values) {
      for index in result.indices { result[index] += weight / sum * value[index] }
    }
    return result
  }
}
