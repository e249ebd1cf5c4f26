// A stream on its way through the chunked encoder.

import SottoKernels

extension ChunkedEncoder {
  /// Takes features in any pieces and gives the states of each chunk as soon as it is complete. What comes out does not
  /// depend on the pieces.
  ///
  /// The convolutions reach one feature past a chunk, so that a chunk of c states is complete with 2 c + 1 features.
  /// Work and memory for each chunk are the same, however long the stream is.
  public final class State {
    private let encoder: ChunkedEncoder
    /// States of a chunk.
    public let chunk: Int
    private let context: ComputeContext

    /// The feature before the chunk, its features, and the one after: [2 chunk + 2, bands].
    private var features: Matrix
    /// Features that lie there, from the second row on.
    private var filled = 0
    /// The same for the first convolution, without the one after: [2 chunk + 1, width].
    private var convolved: Matrix
    private let windows: [AttentionWindow]
    /// Position of the chunk's first state.
    private var position = 0

    private var firstOutput = Matrix(rows: 0, columns: 0)
    private var x = Matrix(rows: 0, columns: 0)
    private var states = Matrix(rows: 0, columns: 0)
    private var attentionRoom = SelfAttention.Room()
    private var feedForwardRoom = FeedForward.Room()

    /// - Parameter chunk: states of a chunk, as `ChunkedEncoder.chunk(milliseconds:)` gives them.
    public init(_ encoder: ChunkedEncoder, chunk: Int, context: ComputeContext = .init()) {
      precondition(chunk > 0, "a chunk without states")
      self.encoder = encoder
      self.chunk = chunk
      self.context = context
      features = Matrix(rows: 2 * chunk + 2, columns: encoder.bands)
      convolved = Matrix(rows: 2 * chunk + 1, columns: encoder.width)
      windows = encoder.layers.map { _ in
        AttentionWindow(
          capacity: encoder.settings.left + chunk, heads: encoder.heads,
          dimension: encoder.width / encoder.heads)
      }
    }

    /// Takes the next features; `body` gets the states [chunk, width] of each chunk that they complete.
    ///
    /// Values below the floor, and what is no number, count as the floor; values too large for any sound are cut.
    ///
    /// - Throws: `ModelError.features` where the number of bands is not the model's; nothing is taken then.
    public func push(_ new: Matrix, _ body: (Matrix) -> Void) throws {
      guard new.rows == 0 || new.columns == encoder.bands else {
        throw ModelError.features(got: new.columns, needed: encoder.bands)
      }
      var taken = 0
      while taken < new.rows {
        let count = min(new.rows - taken, 2 * chunk + 1 - filled)
        take(new, from: taken, count: count)
        taken += count
        if filled == 2 * chunk + 1 {
          completeChunk()
          body(states)
        }
      }
    }

    /// Ends the stream; `body` gets the states of the last chunk, which may be fewer. What is pushed next is another
    /// stream.
    public func finish(_ body: (Matrix) -> Void) {
      if filled > 0 {
        completeLastChunk()
        body(states)
      }
      reset()
    }

    /// Forgets all that came.
    public func reset() {
      features = Matrix(rows: features.rows, columns: features.columns)
      convolved = Matrix(rows: convolved.rows, columns: convolved.columns)
      for window in windows { window.clear() }
      filled = 0
      position = 0
    }

    private func take(_ new: Matrix, from first: Int, count: Int) {
      let bands = encoder.bands
      let (lowest, highest) = (encoder.lowest, encoder.highest)
      let target = 1 + filled
      new.withUnsafeElements { source in
        features.withUnsafeMutableElements { features in
          for index in 0..<(count * bands) {
            let value = source[first * bands + index]
            // Comparing this way round takes NaN for silence.
            features[target * bands + index] = value > lowest ? min(value, highest) : lowest
          }
        }
      }
      filled += count
    }

    private func completeChunk() {
      encoder.first(padded: features, into: &firstOutput, context)
      firstOutput.applyGELU(workers: context.workers)
      convolved.replaceRows(from: 1, with: firstOutput)
      encoder.second(padded: convolved, into: &x, context)
      transform()
      // The last of this chunk, and the first of the next, which has come already.
      features.moveRows(from: 2 * chunk, to: 0, count: 2)
      convolved.moveRows(from: 2 * chunk, to: 0, count: 1)
      filled = 1
    }

    /// Zeros follow the last feature and, for themselves, the last frame of the first convolution.
    private func completeLastChunk() {
      let count = (filled + 1) / 2
      var cut = Matrix(rows: filled + 2, columns: encoder.bands)
      cut.replaceRows(from: 0, with: features.rows(0..<(filled + 1)))
      encoder.first(padded: cut, into: &firstOutput, context)
      firstOutput.applyGELU(workers: context.workers)
      var padded = Matrix(rows: 2 * count + 1, columns: encoder.width)
      padded.replaceRows(from: 0, with: convolved.rows(0..<1))
      padded.replaceRows(from: 1, with: firstOutput)
      encoder.second(padded: padded, into: &x, context)
      transform()
    }

    /// From `x`, what the convolutions give, to `states`.
    private func transform() {
      x.applyGELU(workers: context.workers)
      addPositions()
      for (layer, window) in zip(encoder.layers, windows) {
        layer.attention(&x, window: window, chunk: chunk, &attentionRoom, context)
        layer.feedForward(&x, &feedForwardRoom, context)
      }
      encoder.norm(x, into: &states)
    }

    private func addPositions() {
      var row = 0
      while row < x.rows {
        let count = min(x.rows - row, encoder.positions.rows - position)
        x.add(rows: position..<(position + count), of: encoder.positions, at: row)
        row += count
        position = (position + count) % encoder.positions.rows
      }
    }
  }
}
