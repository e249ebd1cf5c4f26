// The encoder of a stream: Whisper's (arXiv 2212.04356), with attention limited to chunks and some frames before them.

import SottoKernels

/// Log-mel features [T, bands], 100 a second, to hidden states [ceil(T / 2), width], 50 a second, in chunks as they come.
/// A state hears its whole chunk, a number of states before the chunk, and some after it; positions begin again after the last.
///
/// The weights, shared by all streams. `State` is one stream at work.
public struct ChunkedEncoder: Sendable {
  let first: Convolution
  let second: Convolution
  let positions: Matrix
  let layers: [Layer]
  let norm: LayerNorm
  let heads: Int
  let width: Int
  let bands: Int
  let settings: ModelConfiguration.Streaming
  /// The range of features: from the floor to far above the loudest sound.
  let lowest: Float
  let highest: Float = 4
  private let name: String
  private let frameMilliseconds: Double

  struct Layer: Sendable {
    let attention: SelfAttention
    let feedForward: FeedForward
  }

  /// - Throws: `ModelError`, also where the model's family has no streaming encoder.
  public init(_ file: ModelFile) throws {
    settings = try file.part(\.streaming, of: .ctc)
    let shape = file.configuration.encoder
    let features = file.configuration.features
    first = try Convolution(
      file, "encoder.conv1", inputs: features.melBands, outputs: shape.width, stride: 1)
    second = try Convolution(file, "encoder.conv2", inputs: shape.width, outputs: shape.width, stride: 2)
    layers = try (0..<shape.layers).map { index in
      let name = "encoder.layers.\(index)"
      return Layer(
        attention: try SelfAttention(file, name + ".self_attention", width: shape.width, heads: shape.heads),
        feedForward: try FeedForward(
          file, name + ".feed_forward", width: shape.width, inner: shape.feedForward))
    }
    norm = try LayerNorm(file, "encoder.norm", width: shape.width)
    // After the tensors, whose shapes show that the numbers are meant.
    positions = sinusoidalPositions(count: shape.positions, width: shape.width)
    heads = shape.heads
    width = shape.width
    bands = features.melBands
    lowest = ((features.floor ?? 0) + 4) / 4
    name = file.configuration.name
    frameMilliseconds = 2000 * Double(features.hop) / Double(features.sampleRate)
  }

  /// Lengths of chunks that the weights know, in ms, rising.
  public var chunkMilliseconds: [Int] { settings.chunks.map(milliseconds) }

  /// The model's own choice of them.
  public var defaultChunkMilliseconds: Int { milliseconds(settings.chunk) }

  /// States of a chunk of that many ms; the model's own choice for nil.
  ///
  /// - Throws: `ModelError.chunk` where the model has no such chunks.
  public func chunk(milliseconds wanted: Int?) throws -> Int {
    guard let wanted else { return settings.chunk }
    guard let chunk = settings.chunks.first(where: { milliseconds($0) == wanted }) else {
      throw ModelError.chunk(model: name, chunk: wanted, offered: chunkMilliseconds)
    }
    return chunk
  }

  /// States after a chunk that it hears: it is computed that much later.
  var lookahead: Int { settings.lookahead ?? 0 }

  private func milliseconds(_ chunk: Int) -> Int { Int((Double(chunk) * frameMilliseconds).rounded()) }
}
