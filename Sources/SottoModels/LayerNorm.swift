// Layer normalisation (Ba et al., arXiv 1607.06450).

import SottoKernels

/// Normalises each row of x [N, width].
public struct LayerNorm: Sendable {
  let gain: [Float]
  let bias: [Float]

  init(_ file: ModelFile, _ name: String, width: Int) throws {
    gain = try file.floats(name + ".weight", shape: [width])
    bias = try file.floats(name + ".bias", shape: [width])
  }

  public func callAsFunction(_ x: Matrix) -> Matrix { x.layerNormalized(gain: gain, bias: bias) }

  func callAsFunction(_ x: Matrix, into y: inout Matrix) {
    x.layerNormalized(gain: gain, bias: bias, into: &y)
  }
}
