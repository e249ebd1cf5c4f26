// Fully connected layers.

import SottoKernels

/// y = x Wᵀ + b, for x [N, inputs], y [N, outputs].
///
/// Several tensors of the same input (query, key and value) can lie side by side in one layer: their outputs follow
/// one another in y, and the look-up tables of x are built once.
public struct Linear: Sendable {
  let tensors: [String]
  let weights: Weights
  let bias: [Float]?

  public var outputs: Int { weights.rows }

  /// - Parameter names: layers `NAME.weight` and, where present, `NAME.bias`, stacked in this order.
  init(_ file: ModelFile, _ names: [String], inputs: Int, outputs: Int) throws {
    tensors = names.map { $0 + ".weight" }
    let parts = try tensors.map { try file.weights($0, rows: outputs, inputs: inputs) }
    weights = try Self.stack(parts, file: file, names: tensors)
    if names.contains(where: { file.contains($0 + ".bias") }) {
      bias = try names.flatMap { name in
        file.contains(name + ".bias")
          ? try file.floats(name + ".bias", shape: [outputs]) : Array(repeating: 0, count: outputs)
      }
    } else {
      bias = nil
    }
  }

  private static func stack(_ parts: [Weights], file: ModelFile, names: [String]) throws -> Weights {
    if parts.count == 1 { return parts[0] }
    let coded = parts.compactMap { if case .binary(let matrix) = $0 { matrix } else { nil } }
    if coded.count == parts.count, let stacked = BinaryCodedMatrix.stacked(coded) { return .binary(stacked) }
    let dense = parts.compactMap { if case .dense(let matrix) = $0 { matrix } else { nil } }
    if dense.count == parts.count { return .dense(DenseWeights.stacked(dense)) }
    throw ModelError.tensor(
      path: file.path, name: names.joined(separator: ", "),
      reason: "they share an input, so all or none of them must be in binary coding, without column vectors")
  }

  public func callAsFunction(_ x: Matrix, _ context: ComputeContext) -> Matrix {
    var y = Matrix(rows: 0, columns: 0)
    self(x, into: &y, context)
    return y
  }

  /// The same, into a matrix that is there already; it is replaced where its size is another.
  func callAsFunction(_ x: Matrix, into y: inout Matrix, _ context: ComputeContext) {
    for tensor in tensors { context.observe(tensor, x) }
    weights.product(x, bias: bias, into: &y, precision: context.precision, workers: context.workers)
  }
}
