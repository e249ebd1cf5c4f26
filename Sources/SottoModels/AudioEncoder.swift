// The encoder of Whisper (Radford et al., arXiv 2212.04356, section 2.2): two convolutions and transformer layers.

import Glibc
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

  static let positionsName = "encoder.positions"

  public init(_ file: ModelFile) throws {
    let shape = file.configuration.encoder
    first = try Convolution(
      file, "encoder.conv1", inputs: file.configuration.features.melBands, outputs: shape.width, stride: 1)
    second = try Convolution(file, "encoder.conv2", inputs: shape.width, outputs: shape.width, stride: 2)
    positions =
      file.contains(Self.positionsName)
      ? try file.matrix(Self.positionsName, rows: shape.positions, columns: shape.width)
      : sinusoidalPositions(count: shape.positions, width: shape.width)
    layers = try (0..<shape.layers).map { index in
      let name = "encoder.layers.\(index)"
      return Layer(
        attention: try SelfAttention(file, name + ".self_attention", width: shape.width, heads: shape.heads),
        feedForward: try FeedForward(
          file, name + ".feed_forward", width: shape.width, inner: shape.feedForward))
    }
    norm = try LayerNorm(file, "encoder.norm", width: shape.width)
  }

  /// States of speech, the last of which may stand for many.
  public struct States: Sendable {
    /// [states, width].
    public let states: Matrix
    /// log of how many positions each state stands for, to add to its scores as a key; nil where each is one.
    public let bias: [Float]?

    public init(states: Matrix, bias: [Float]? = nil) {
      self.states = states
      self.bias = bias
    }
  }

  /// The states of features as they are.
  ///
  /// - Parameter features: [2N, bands]; frames beyond twice the number of positions are left out.
  public func callAsFunction(_ features: Matrix, _ context: ComputeContext) -> Matrix {
    var x = convolved(features, context)
    if x.rows > positions.rows { x = x.rows(0..<positions.rows) }
    x.add(positions.rows(0..<x.rows))
    return transformed(x, bias: nil, context)
  }

  /// The states of speech in a window that silence fills up.
  ///
  /// The positions of the silence differ in their position vectors only, and attention to them is spread evenly. So
  /// every `stride` of them are merged into one, the middle one, which as a key counts `stride` times: log `stride` is
  /// added to its scores. On real speech this changes words less than rounding does, and costs next to nothing, where
  /// the whole silence costs more than the speech.
  ///
  /// - Parameters:
  ///   - features: [2 (speech + 2), bands], the speech and silence after it, at least two positions.
  ///   - speech: positions that are kept one by one.
  ///   - window: positions in all.
  public func callAsFunction(
    _ features: Matrix, speech: Int, window: Int, stride: Int, _ context: ComputeContext
  ) -> States {
    let window = min(window, positions.rows)
    guard stride > 1, speech < window, features.rows >= 2 * (speech + 2) else {
      return States(states: self(features, context), bias: nil)
    }
    let x = convolved(features, context)
    let merged = Swift.stride(from: speech, to: window, by: stride).map { first in
      first..<min(first + stride, window)
    }
    var all = Matrix(rows: speech + merged.count, columns: positions.columns)
    all.replaceRows(from: 0, with: x.rows(0..<speech))
    all.add(rows: 0..<speech, of: positions, at: 0)
    for (index, group) in merged.enumerated() {
      // The first position after the speech hears silence alone, but the last hears the end of the features.
      all.replaceRows(from: speech + index, with: x.rows(speech..<(speech + 1)))
      let middle = (group.lowerBound + group.upperBound) / 2
      all.add(rows: middle..<(middle + 1), of: positions, at: speech + index)
    }
    let bias = Array(repeating: Float(0), count: speech) + merged.map { logarithm(Float($0.count)) }
    return States(states: transformed(all, bias: bias, context), bias: bias)
  }

  private func convolved(_ features: Matrix, _ context: ComputeContext) -> Matrix {
    var x = first(features, context)
    x.applyGELU(workers: context.workers)
    x = second(x, context)
    x.applyGELU(workers: context.workers)
    return x
  }

  private func transformed(_ input: Matrix, bias: [Float]?, _ context: ComputeContext) -> Matrix {
    var x = input
    for layer in layers {
      layer.attention(&x, bias: bias, context)
      layer.feedForward(&x, context)
    }
    return norm(x)
  }
}

private func logarithm(_ x: Float) -> Float { logf(x) }
