// The encoder of Whisper (Radford et al., arXiv 2212.04356, section 2.2): two convolutions and transformer layers.

import SottoKernels

/// Log-mel features [2N, bands] to hidden states [N, width], 50 a second; full context.
public struct AudioEncoder: Sendable {
  private let first: Convolution
  private let second: Convolution
  private let positions: Matrix
  private let layers: [Layer]
  private let norm: LayerNorm

  private struct Layer: Sendable {
    let attention: SelfAttention
    let feedForward: FeedForward
  }

  public init(_ file: ModelFile) throws {
    let shape = file.configuration.encoder
    first = try Convolution(
      file, "encoder.conv1", inputs: file.configuration.features.melBands, outputs: shape.width, stride: 1)
    second = try Convolution(file, "encoder.conv2", inputs: shape.width, outputs: shape.width, stride: 2)
    positions = Matrix(
      rows: shape.positions, columns: shape.width,
      elements: try file.floats("encoder.positions", shape: [shape.positions, shape.width]))
    layers = try (0..<shape.layers).map { index in
      let name = "encoder.layers.\(index)"
      return Layer(
        attention: try SelfAttention(file, name + ".self_attention", width: shape.width, heads: shape.heads),
        feedForward: try FeedForward(
          file, name + ".feed_forward", width: shape.width, inner: shape.feedForward))
    }
    norm = try LayerNorm(file, "encoder.norm", width: shape.width)
  }

  /// - Parameter features: [2N, bands]; frames beyond twice the number of positions are left out.
  public func callAsFunction(_ features: Matrix, _ context: ComputeContext) -> Matrix {
    var x = first(features, context)
    x.applyGELU(workers: context.workers)
    x = second(x, context)
    x.applyGELU(workers: context.workers)
    if x.rows > positions.rows { x = x.rows(0..<positions.rows) }
    x.add(positions.rows(0..<x.rows))
    for layer in layers {
      layer.attention(&x, bias: nil, context)
      layer.feedForward(&x, context)
    }
    return norm(x)
  }
}
