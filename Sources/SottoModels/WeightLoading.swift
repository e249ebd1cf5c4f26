// Weights from a model file, dense or in binary coding, packed once.

import SottoKernels

extension ModelFile {
  /// The weights `name` [rows, inputs]: in binary coding where `name.bits` or `name.rows` is there, else dense.
  ///
  /// - Throws: `ModelError` where tensors are missing or do not fit.
  func weights(_ name: String, rows: Int, inputs: Int) throws -> Weights {
    defer { forget(name) }
    if isCoded(name) {
      return .binary(BinaryCodedMatrix(try codedTensor(name, outputs: rows, inputs: inputs)))
    }
    return .dense(
      DenseWeights(rows: rows, inputs: inputs, elements: try floats(name, shape: [rows, inputs])))
  }

  /// The floats of `name` [rows, columns], in binary coding or not: what is looked up and not multiplied.
  func matrix(_ name: String, rows: Int, columns: Int) throws -> Matrix {
    defer { forget(name) }
    if isCoded(name) { return try codedTensor(name, outputs: rows, inputs: columns).decoded() }
    return Matrix(rows: rows, columns: columns, elements: try floats(name, shape: [rows, columns]))
  }
}
