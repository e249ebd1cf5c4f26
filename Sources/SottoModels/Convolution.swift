// Convolution over time.

import SottoKernels

/// One-dimensional convolution with a kernel of 3 and one frame of zeros at both ends:
/// x [T, inputs] to y [ceil(T / stride), outputs].
public struct Convolution: Sendable {
  private let weights: Weights
  private let bias: [Float]
  private let window: ColumnWindow
  private let inputs: Int

  private static let width = 3

  init(_ file: ModelFile, _ name: String, inputs: Int, outputs: Int, stride: Int) throws {
    let stored = try file.floats(name + ".weight", shape: [outputs, inputs, Self.width])
    bias = try file.floats(name + ".bias", shape: [outputs])
    // Frames lie one after another in a matrix, so that three of them are one column: [output][frame][input].
    var elements = [Float](repeating: 0, count: stored.count)
    for output in 0..<outputs {
      for input in 0..<inputs {
        for frame in 0..<Self.width {
          elements[(output * Self.width + frame) * inputs + input] =
            stored[(output * inputs + input) * Self.width + frame]
        }
      }
    }
    weights = .dense(DenseWeights(rows: outputs, inputs: Self.width * inputs, elements: elements))
    window = ColumnWindow(rows: Self.width, stride: stride)
    self.inputs = inputs
  }

  public func callAsFunction(_ x: Matrix, _ context: ComputeContext) -> Matrix {
    var padded = Matrix(rows: x.rows + 2, columns: inputs)
    padded.replaceRows(from: 1, with: x)
    return weights.product(padded, window: window, bias: bias, workers: context.workers)
  }
}
