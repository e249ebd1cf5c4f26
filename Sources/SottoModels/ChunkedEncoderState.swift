// A stream on its way through the chunked encoder.

import SottoKernels

extension ChunkedEncoder {
  /// Takes features in any pieces and gives the states of each chunk as soon as it and its lookahead are complete. What comes out does not
  /// depend on the pieces.
  ///
  /// A chunk is computed together with the states after it that it hears; what is computed for those is forgotten, but for what the
  /// convolutions gave, and they are computed again as part of their own chunk (Shi et al., Emformer, arXiv 2010.10759: hard copies of
  /// the right context). Work and memory for each chunk are the same, however long the stream is.
  public final class State {
    private let encoder: ChunkedEncoder
    /// States of a chunk.
    public let chunk: Int
    private let lookahead: Int
    private let context: ComputeContext

    private var convolution: ChunkedConvolution
    /// What the convolutions gave, with positions, for a chunk and its lookahead: [chunk + lookahead, width].
    private var waiting: Matrix
    /// States that lie there.
    private var count = 0
    private let windows: [AttentionWindow]
    /// Position of the next state of the convolutions.
    private var position = 0

    private var block = Matrix(rows: 0, columns: 0)
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
      lookahead = encoder.lookahead
      convolution = ChunkedConvolution(encoder, block: lookahead > 0 ? lookahead : chunk)
      waiting = Matrix(rows: chunk + lookahead, columns: encoder.width)
      let capacity = encoder.settings.left + chunk + lookahead
      windows = encoder.layers.map { _ in
        AttentionWindow(
          capacity: capacity, heads: encoder.heads, dimension: encoder.width / encoder.heads)
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
        let count = min(new.rows - taken, convolution.missing)
        convolution.take(new, from: taken, count: count)
        taken += count
        if convolution.missing == 0 {
          convolution.complete(into: &block, next: chunk, context)
          takeBlock(from: 0, count: block.rows)
          if self.count == chunk + lookahead { transform(body) }
        }
      }
    }

    /// Ends the stream; `body` gets the states of the last chunks, the last of which may be fewer. What is pushed next is another stream.
    public func finish(_ body: (Matrix) -> Void) {
      if convolution.filled > 0 {
        convolution.completeLast(into: &block, context)
        var taken = 0
        while taken < block.rows {
          let room = min(block.rows - taken, chunk + lookahead - count)
          takeBlock(from: taken, count: room)
          taken += room
          if count == chunk + lookahead { transform(body) }
        }
      }
      while count > 0 { transform(body) }
      reset()
    }

    /// Forgets all that came.
    public func reset() {
      convolution = ChunkedConvolution(encoder, block: lookahead > 0 ? lookahead : chunk)
      for window in windows { window.clear() }
      count = 0
      position = 0
    }

    /// Takes rows of `block`, and adds their positions.
    private func takeBlock(from first: Int, count taken: Int) {
      let isWhole = first == 0 && taken == block.rows
      waiting.replaceRows(from: count, with: isWhole ? block : block.rows(first..<(first + taken)))
      var row = count
      count += taken
      while row < count {
        let part = min(count - row, encoder.positions.rows - position)
        waiting.add(rows: position..<(position + part), of: encoder.positions, at: row)
        row += part
        position = (position + part) % encoder.positions.rows
      }
    }

    /// The first chunk of what waits, through the layers; `body` gets its states.
    private func transform(_ body: (Matrix) -> Void) {
      let own = min(count, chunk)
      if x.rows != count { x = Matrix(rows: count, columns: encoder.width) }
      x.replaceRows(from: 0, with: count == waiting.rows ? waiting : waiting.rows(0..<count))
      for (layer, window) in zip(encoder.layers, windows) {
        layer.attention(&x, window: window, chunk: chunk, lookahead: lookahead, &attentionRoom, context)
        layer.feedForward(&x, &feedForwardRoom, context)
      }
      encoder.norm(own == count ? x : x.rows(0..<own), into: &states)
      waiting.moveRows(from: own, to: 0, count: count - own)
      count -= own
      body(states)
    }
  }
}
