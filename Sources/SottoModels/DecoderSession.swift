// The attention decoder at work on one piece of speech.

import SottoKernels

/// Scores next tokens for many hypotheses over the same encoded speech. Every token that is fed gets a slot; a
/// hypothesis is the list of its tokens' slots, so that hypotheses share their common past.
public final class DecoderSession {
  /// One token to feed: where it stands, and the slots of the tokens before it.
  public struct Input: Sendable {
    public let token: Int
    /// Slots of the tokens before, oldest first; their number is the token's position.
    public let past: [Int32]

    public init(token: Int, past: [Int32]) {
      self.token = token
      self.past = past
    }
  }

  private let decoder: AttentionDecoder
  /// Computes; its observer, where there is one, sees what is fed. Set after the session is made.
  public var context: ComputeContext
  private let memories: [AttentionMemory]
  private let caches: [AttentionCache]
  private let bias: [Float]?
  private var slotCount = 0
  private let slotCapacity: Int

  /// - Parameters:
  ///   - encoded: the encoder's states.
  ///   - slots: tokens that can be fed in all.
  public init(
    _ decoder: AttentionDecoder, encoded: AudioEncoder.States, slots: Int, context: ComputeContext
  ) {
    self.decoder = decoder
    self.context = context
    slotCapacity = slots
    bias = encoded.bias
    let dimension = decoder.width / decoder.heads
    memories = decoder.layers.map { layer in
      let projected = layer.crossMemory(encoded.states, context)
      return AttentionMemory(
        keys: projected, values: projected, valueColumn: decoder.width, heads: decoder.heads,
        dimension: dimension, workers: context.workers)
    }
    caches = decoder.layers.map { _ in
      AttentionCache(capacity: slots, heads: decoder.heads, dimension: dimension)
    }
  }

  /// Tokens that can still be fed.
  public var slotsLeft: Int { slotCapacity - slotCount }

  /// Forgets all tokens; what was encoded stays.
  public func reset() { slotCount = 0 }

  /// Feeds tokens that follow one another from the start.
  public func feed(
    prompt: [Int], observe: CrossAttentionObserver? = nil
  ) -> (slots: [Int32], states: Matrix) {
    feed(
      prompt.indices.map { index in
        Input(token: prompt[index], past: (0..<index).map { Int32(slotCount + $0) })
      }, observe: observe)
  }

  /// Feeds tokens; those of one call may be each other's past, in order. Inputs beyond the decoder's capacity or the
  /// slots that are left are not fed.
  ///
  /// - Returns: the slot of each token, and the hidden states [inputs, width] that `logits` takes.
  public func feed(
    _ inputs: [Input], observe: CrossAttentionObserver? = nil
  ) -> (slots: [Int32], states: Matrix) {
    let inputs = inputs.prefix(slotsLeft).filter { $0.past.count < decoder.capacity }
    let slots = inputs.indices.map { Int32(slotCount + $0) }
    slotCount += inputs.count
    var x = Matrix(rows: inputs.count, columns: decoder.width)
    for (row, input) in inputs.enumerated() {
      let embedded = decoder.embedding.row(min(max(input.token, 0), decoder.vocabularySize - 1))
      for (column, value) in embedded.enumerated() {
        x[row, column] = value + decoder.positions[input.past.count, column]
      }
    }
    let width = decoder.width
    for (index, layer) in decoder.layers.enumerated() {
      let own = layer.selfAttention
      let projected = own.projection(own.norm(x), context)
      for row in 0..<inputs.count {
        caches[index].store(
          projected, row: row, keyColumn: width, valueColumn: 2 * width, slot: Int(slots[row]))
      }
      var attended = Matrix(rows: inputs.count, columns: width)
      for (row, input) in inputs.enumerated() {
        caches[index].attend(projected, row: row, column: 0, over: input.past + [slots[row]], into: &attended)
      }
      x.add(own.output(attended, context))

      let query = layer.crossQuery(layer.crossNorm(x), context)
      let seen = memories[index].attend(
        query, bias: bias, workers: context.workers, observe: observe?.forLayer(index))
      x.add(layer.crossOutput(seen, context))
      layer.feedForward(&x, context)
    }
    return (slots, decoder.norm(x))
  }

  /// Scores of all tokens, not normalised, for rows of hidden states: [rows, vocabulary], written to `logits`.
  public func logits(_ states: Matrix, into logits: inout Matrix) {
    decoder.embedding.product(states, into: &logits, workers: context.workers)
  }

  /// Shows the hidden states to the observer, as inputs of the output layer.
  public func observeLogits(of states: Matrix) {
    context.observer?.observe(tensor: AttentionDecoder.embeddingName, inputs: states)
  }
}
