// Language models as files: safetensors, with the trie's arrays as tensors.

import Foundation
import SottoDecoding
import SottoKernels
import SottoModels

/// A language model and how much it counts (shallow fusion).
public struct LanguageModel: Sendable {
  public let file: LanguageModelFile

  /// Of ln p(piece) beside the acoustic score; nil for the family's own.
  public var weight: Float?
  /// Added for each piece, against the liking of language models for short texts; nil for the family's own.
  public var bonus: Float?

  /// Best of a few values, as wholes, on 100 recordings of LJ Speech with the models that come with this package. What has learnt
  /// from text itself wants less.
  public static func defaults(for family: ModelConfiguration.Family) -> (weight: Float, bonus: Float) {
    switch family {
    case .rnnt: (0.45, 2)
    case .mocha: (0.4, 1.5)
    case .ctc: (0.6, 2)
    case .attention: (0.07, 0.1)
    }
  }

  /// - Throws: as `LanguageModelFile`.
  public init(path: String) throws { file = try LanguageModelFile(path: path) }

  func scorer(for family: ModelConfiguration.Family) -> NGramFusion {
    let own = Self.defaults(for: family)
    return NGramFusion(file.model, weight: weight ?? own.weight, bonus: bonus ?? own.bonus)
  }
}

/// An n-gram model over the tokens of a model.
///
/// The metadata holds, under the key `sotto-lm`, JSON with `format`, `order`, `size` (of the vocabulary) and `vocabulary`, a
/// hash of its tokens: a model for others is refused. Tensors of length n, from 1: `n.tokens` (U16), `n.probabilities`,
/// `n.backoffs` (U8), `n.first` (U32), `n.probabilities.book`, `n.backoffs.book` (F32 [256]).
public struct LanguageModelFile: Sendable {
  static let key = "sotto-lm"
  /// Bytes that a file may need beside its tables, for their names, a licence and a source of ordinary length.
  static let descriptionBytes = 4096

  struct Description: Codable {
    var format: Int
    var order: Int
    var size: Int
    var vocabulary: String
    var licence: String
    var source: String
  }

  public let model: NGramModel
  public let byteCount: Int
  let description: Description
  let path: String

  /// - Throws: `ModelError` where the file cannot be read, is damaged, or is no language model.
  public init(path: String) throws {
    let file = try TensorFile(path: path)
    guard let json = file.metadata[Self.key] else {
      throw ModelError.configuration(path: path, reason: "it is no language model of sotto")
    }
    do {
      description = try JSONDecoder().decode(Description.self, from: Data(json.utf8))
    } catch {
      throw ModelError.configuration(path: path, reason: "its description cannot be read")
    }
    guard description.format == 1 else {
      throw ModelError.newerFormat(path: path, format: description.format, supported: 1)
    }
    guard (1...max(1, NGramModel.longestOrder(size: description.size))).contains(description.order) else {
      throw ModelError.configuration(path: path, reason: "order \(description.order)")
    }
    self.path = path
    byteCount = file.byteCount
    do {
      let order = description.order
      model = try NGramModel(
        size: description.size,
        levels: (1...order).map { try Self.level(file, $0, hasNext: $0 < order) })
    } catch let error as DecodingError {
      throw ModelError.configuration(path: path, reason: error.description)
    }
  }

  private static func level(_ file: TensorFile, _ length: Int, hasNext: Bool) throws -> NGramModel.Level {
    let tokens = try file.tensor("\(length).tokens")
    let count = tokens.count
    _ = try file.tensor("\(length).tokens", shape: [count], type: .uint16)
    func bytes(_ name: String, _ count: Int, _ type: ElementType) throws -> SharedBytes {
      try file.tensor("\(length).\(name)", shape: [count], type: type).bytes
    }
    return try NGramModel.Level(
      count: count, tokens: tokens.bytes, probabilities: bytes("probabilities", count, .uint8),
      probabilityBook: file.floats("\(length).probabilities.book", shape: [256]),
      backoffs: hasNext ? bytes("backoffs", count, .uint8) : nil,
      backoffBook: hasNext
        ? file.floats("\(length).backoffs.book", shape: [256]) : [Float](repeating: 0, count: 256),
      first: hasNext ? bytes("first", count + 1, .uint32) : nil)
  }

  /// Writes a model; the file appears when it is complete.
  ///
  /// - Throws: `ModelError.unwritable`.
  public static func write(
    _ model: NGramModel, for vocabulary: LanguageModelVocabulary, licence: String, source: String,
    to path: String
  ) throws {
    let description = Description(
      format: 1, order: model.order, size: model.size, vocabulary: vocabulary.fingerprint,
      licence: licence,
      source: source)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let json = String(decoding: try encoder.encode(description), as: UTF8.self)
    var tensors: [(SafetensorsWriter.Declaration, SharedBytes)] = []
    for (place, level) in model.levels.enumerated() {
      func add(_ name: String, _ type: ElementType, _ count: Int, _ bytes: SharedBytes) {
        tensors.append(
          (.init(name: "\(place + 1).\(name)", elementType: type, shape: [count]), bytes))
      }
      add("tokens", .uint16, level.count, level.tokens)
      add("probabilities", .uint8, level.count, level.probabilities)
      add("probabilities.book", .float32, 256, SharedBytes(level.probabilityBook))
      if let backoffs = level.backoffs, let first = level.first {
        add("backoffs", .uint8, level.count, backoffs)
        add("backoffs.book", .float32, 256, SharedBytes(level.backoffBook))
        add("first", .uint32, level.count + 1, first)
      }
    }
    let writer = try SafetensorsWriter(path: path, tensors: tensors.map(\.0), metadata: [key: json])
    for (declaration, bytes) in tensors {
      try bytes.withUnsafeBytes { try writer.write(declaration.name, bytes: $0) }
    }
    try writer.finish()
  }

  /// - Throws: `ModelError.configuration` where the language model is for other tokens.
  func check(fits vocabulary: LanguageModelVocabulary, of model: String) throws {
    guard description.size == vocabulary.size, description.vocabulary == vocabulary.fingerprint else {
      throw ModelError.configuration(
        path: path,
        reason:
          "it was made for other word pieces than those of \(model); make one with sotto lm build --model \(model)"
      )
    }
  }
}
