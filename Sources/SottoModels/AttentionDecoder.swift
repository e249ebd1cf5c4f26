// The decoder of Whisper (arXiv 2212.04356): a transformer over tokens that attends to the encoder's states.

import SottoKernels

/// The weights of an attention decoder. `DecoderSession` runs it over one piece of speech.
public struct AttentionDecoder: Sendable {
  let embedding: Weights
  let positions: Matrix
  let layers: [Layer]
  let norm: LayerNorm
  let heads: Int
  let width: Int
  /// Pairs of layer and head whose attention follows time.
  let alignmentHeads: [(layer: Int, head: Int)]

  /// The longest sequence of tokens.
  public var capacity: Int { positions.rows }
  /// Tokens that the decoder tells apart.
  public var vocabularySize: Int { embedding.rows }

  static let embeddingName = "decoder.embedding.weight"

  struct Layer: Sendable {
    let selfAttention: SelfAttention
    let crossNorm: LayerNorm
    let crossQuery: Linear
    /// [frames, 2 * width]: key, value.
    let crossMemory: Linear
    let crossOutput: Linear
    let feedForward: FeedForward
  }

  public init(_ file: ModelFile) throws {
    let shape = try file.part(\.decoder, of: .attention)
    let width = shape.width
    embedding = try file.weights(
      Self.embeddingName, rows: file.configuration.vocabulary.size, inputs: width)
    positions = try file.matrix("decoder.positions", rows: shape.positions, columns: width)
    layers = try (0..<shape.layers).map { index in
      let name = "decoder.layers.\(index)"
      let cross = name + ".cross_attention"
      return Layer(
        selfAttention: try SelfAttention(file, name + ".self_attention", width: width, heads: shape.heads),
        crossNorm: try LayerNorm(file, cross + ".norm", width: width),
        crossQuery: try Linear(file, [cross + ".query"], inputs: width, outputs: width),
        crossMemory: try Linear(file, [cross + ".key", cross + ".value"], inputs: width, outputs: width),
        crossOutput: try Linear(file, [cross + ".output"], inputs: width, outputs: width),
        feedForward: try FeedForward(file, name + ".feed_forward", width: width, inner: shape.feedForward))
    }
    norm = try LayerNorm(file, "decoder.norm", width: width)
    heads = shape.heads
    self.width = width
    alignmentHeads = shape.alignmentHeads.map { (layer: $0[0], head: $0[1]) }
  }
}
