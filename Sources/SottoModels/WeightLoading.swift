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
}
