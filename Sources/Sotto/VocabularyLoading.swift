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
    let offsets = try file.tensor("vocabulary.offsets", shape: [size + 1], type: .uint32)
    let vocabulary = Vocabulary(
      bytes: texts.withUnsafeBytes { Array($0) },
      offsets: offsets.withUnsafeBytes { bytes in
        (0...size).map { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)) }
      })
    guard let vocabulary else {
      throw ModelError.tensor(
        path: file.path, name: offsets.name, reason: "they do not cut vocabulary.bytes into tokens")
    }
    self = vocabulary
  }
}
