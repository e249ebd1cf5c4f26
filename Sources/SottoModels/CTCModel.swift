// A streaming CTC model: features in, scores of word pieces out.

import SottoKernels

/// The weights of a model of the family `ctc`, shared by all streams.
public struct CTCModel: Sendable {
  public let encoder: ChunkedEncoder
  public let head: CTCHead
  /// Seconds of a row of scores.
  public let rowDuration: Double

  /// - Throws: `ModelError`.
  public init(_ file: ModelFile) throws {
    encoder = try ChunkedEncoder(file)
    head = try CTCHead(file)
    let features = file.configuration.features
    rowDuration = Double(2 * head.stack * features.hop) / Double(features.sampleRate)
  }
}

/// One stream through a CTC model: takes features in any pieces, gives log-probabilities chunk by chunk. What comes out
/// does not depend on the pieces; work and memory for a chunk are the same, however long the stream is.
///
///     let stream = try CTCStream(CTCModel(file), chunkMilliseconds: 640)
///     let scores = try stream.push(logMel.push(samples))  // [rows, pieces + 1], rows of 40 ms
///     let last = stream.finish()
public final class CTCStream {
  private let model: CTCModel
  private let context: ComputeContext
  private let encoder: ChunkedEncoder.State
  private var head: CTCHead.State
  private var scores = Matrix(rows: 0, columns: 0)

  /// - Parameter chunkMilliseconds: length of a chunk; the model's own choice for nil.
  /// - Throws: `ModelError.chunk` where the model has no such chunks.
  public init(_ model: CTCModel, chunkMilliseconds: Int? = nil, context: ComputeContext = .init()) throws {
    self.model = model
    self.context = context
    encoder = ChunkedEncoder.State(
      model.encoder, chunk: try model.encoder.chunk(milliseconds: chunkMilliseconds), context: context)
    head = CTCHead.State(model.head)
  }

  /// Features that have come when a chunk is complete, and are not heard yet: the lookahead, and one for the convolutions.
  public var featuresAhead: Int { 2 * model.encoder.lookahead + 1 }

  /// Rows of scores of a whole chunk.
  public var rowsPerChunk: Int { encoder.chunk / model.head.stack }

  /// Outputs of the last recurrent layer, [rows, width], for the scores that `body` was given last.
  public var heard: Matrix { head.heard }

  /// Takes the next features [T, bands]; `body` gets the log-probabilities [rows, pieces + 1] of each chunk that they
  /// complete. After `finish` another stream begins.
  ///
  /// - Throws: `ModelError.features` where the number of bands is not the model's; nothing is taken then.
  public func push(_ features: Matrix, _ body: (Matrix) -> Void) throws {
    try encoder.push(features) { score($0, body) }
  }

  /// Ends the stream: `body` gets the log-probabilities of the chunk that was under way, where it has any.
  public func finish(_ body: (Matrix) -> Void) {
    encoder.finish { score($0, body) }
    head.reset()
  }

  /// Forgets all that came; another stream begins.
  public func reset() {
    encoder.reset()
    head.reset()
  }

  private func score(_ states: Matrix, _ body: (Matrix) -> Void) {
    model.head(states, state: &head, into: &scores, context)
    if scores.rows > 0 { body(scores) }
  }

  /// The log-probabilities of all chunks that `features` complete, [rows, pieces + 1].
  public func push(_ features: Matrix) throws -> Matrix { try gather { try push(features, $0) } }

  /// The log-probabilities of the stream's end, [rows, pieces + 1].
  public func finish() -> Matrix { gather { finish($0) } }

  private func gather(_ run: ((Matrix) -> Void) throws -> Void) rethrows -> Matrix {
    var blocks: [Matrix] = []
    try run { blocks.append($0) }
    var all = Matrix(rows: blocks.reduce(0) { $0 + $1.rows }, columns: model.head.classes)
    var row = 0
    for block in blocks {
      all.replaceRows(from: row, with: block)
      row += block.rows
    }
    return all
  }
}
