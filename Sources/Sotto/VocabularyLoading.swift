// The vocabulary that a model file carries.

import SottoDecoding
import SottoModels

extension Vocabulary {
  /// - Throws: `ModelError` where its tensors are missing or do not fit.
  init(_ file: ModelFile) throws {
    let size = file.configuration.vocabulary.size
    let texts = try file.tensor("vocabulary.bytes")
    guard texts.elementType == .uint8, texts.shape.count == 1 else {
      throw ModelError.tensor(
        path: file.path, name: texts.name, reason: "it must be a list of bytes (U8)")
    }
    let (name, offsets) = try Self.offsets(of: file, size: size)
    guard let vocabulary = Vocabulary(bytes: texts.withUnsafeBytes { Array($0) }, offsets: offsets) else {
      throw ModelError.tensor(
        path: file.path, name: name, reason: "they do not cut vocabulary.bytes into tokens")
    }
    self = vocabulary
  }

  /// Where each token begins, and the end, [size + 1], with the name of the tensor that tells it: of lengths, which take a
  /// quarter of the room, or of the places themselves.
  private static func offsets(of file: ModelFile, size: Int) throws -> (name: String, values: [UInt32]) {
    let lengths = "vocabulary.lengths"
    guard file.contains(lengths) else {
      let offsets = try file.tensor("vocabulary.offsets", shape: [size + 1], type: .uint32)
      return (offsets.name, offsets.integers())
    }
    var (values, end): ([UInt32], UInt32) = ([0], 0)
    for length in try file.tensor(lengths, shape: [size], type: .uint8).integers() {
      end += length  // at most 2^22 tokens of 255 bytes
      values.append(end)
    }
    return (lengths, values)
  }
}
