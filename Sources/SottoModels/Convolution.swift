// Convolution over time.

import SottoKernels

/// One-dimensional convolution with a kernel of 3: x [T, inputs] to y [., outputs].
///
/// Its weights are [outputs, inputs, 3], as in PyTorch, or a matrix [outputs, 3 * inputs] whose columns follow three
/// frames of x as they lie in memory; the matrix can be in binary coding.
public struct Convolution: Sendable {
  private let weights: Weights
  private let bias: [Float]
  private let window: ColumnWindow
  private let inputs: Int
  private let tensor: String

  /// Frames that a kernel sees.
  static let width = 3

  init(_ file: ModelFile, _ name: String, inputs: Int, outputs: Int, stride: Int) throws {
    tensor = name + ".weight"
    if try file.isCoded(tensor) || file.tensor(tensor).shape.count == 2 {
      weights = try file.weights(tensor, rows: outputs, inputs: Self.width * inputs)
    } else {
      weights = .dense(
        DenseWeights(
          rows: outputs, inputs: Self.width * inputs,
          elements: Self.byFrame(
            try file.floats(tensor, shape: [outputs, inputs, Self.width]), inputs: inputs)))
    }
    bias = try file.floats(name + ".bias", shape: [outputs])
    window = ColumnWindow(rows: Self.width, stride: stride)
    self.inputs = inputs
  }

  /// [output][input][frame] to [output][frame][input].
  static func byFrame(_ stored: [Float], inputs: Int) -> [Float] {
    var elements = [Float](repeating: 0, count: stored.count)
    for output in 0..<(inputs > 0 ? stored.count / (inputs * width) : 0) {
      for input in 0..<inputs {
        for frame in 0..<width {
          elements[(output * width + frame) * inputs + input] =
            stored[(output * inputs + input) * width + frame]
        }
      }
    }
    return elements
  }

  /// With one frame of zeros at both ends: [ceil(T / stride), outputs].
  public func callAsFunction(_ x: Matrix, _ context: ComputeContext) -> Matrix {
    var padded = Matrix(rows: x.rows + 2, columns: inputs)
    padded.replaceRows(from: 1, with: x)
    var y = Matrix(rows: 0, columns: 0)
    self(padded: padded, into: &y, context)
    return y
  }

  /// Of x as it is, which holds the frames before the first and after the last: [(T - 3) / stride + 1, outputs], written
  /// to `y`, which is replaced where its size is another.
  func callAsFunction(padded x: Matrix, into y: inout Matrix, _ context: ComputeContext) {
    context.observe(tensor, x, window: window)
    weights.product(x, window: window, bias: bias, into: &y, workers: context.workers)
  }
}
