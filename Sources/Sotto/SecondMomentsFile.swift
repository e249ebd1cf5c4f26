// Second moments on disk: measuring them takes longer than coding with them.

import SottoKernels
import SottoModels

extension SecondMoments {
  private static let modelKey = "model"

  /// Writes moments as a safetensors file of F32 [inputs, inputs], by tensor, with the fingerprint of the model that they are of.
  ///
  /// - Throws: `ModelError.unwritable`.
  public static func write(_ moments: [String: Matrix], of model: ModelFile, to path: String) throws {
    let declarations = moments.map { name, matrix in
      SafetensorsWriter.Declaration(name: name, elementType: .float32, shape: [matrix.rows, matrix.columns])
    }
    let writer = try SafetensorsWriter(
      path: path, tensors: declarations, metadata: [modelKey: model.fingerprint])
    for (name, matrix) in moments { try writer.write(name, matrix.elements) }
    try writer.finish()
  }

  /// Reads what `write` has written.
  ///
  /// - Throws: `ModelError`, also where the moments are of another model.
  public static func read(_ path: String, of model: ModelFile) throws -> [String: Matrix] {
    let file: TensorFile
    do { file = try TensorFile(path: path) } catch {
      throw ModelError.quantization(
        reason: "\(path) is not there, or holds no moments: measure them with --calibrate")
    }
    guard file.metadata[modelKey] == model.fingerprint else {
      throw ModelError.quantization(
        reason: "the moments in \(path) are not of \(model.path): measure them with --calibrate")
    }
    var moments: [String: Matrix] = [:]
    for name in file.names {
      let tensor = try file.tensor(name)
      guard tensor.shape.count == 2, tensor.shape[0] == tensor.shape[1] else {
        throw ModelError.tensor(path: path, name: name, reason: "its shape is \(tensor.shape), no square")
      }
      moments[name] = Matrix(
        rows: tensor.shape[0], columns: tensor.shape[1], elements: try file.floats(tensor))
    }
    return moments
  }
}
