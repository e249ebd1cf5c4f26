// What `sotto models` tells of a model file.

import SottoModels

struct ModelSummary: Encodable {
  let name: String
  /// How scores become text: `attention`, `ctc`, `rnnt`, `mocha`.
  let family: String
  /// Whether it can recognise audio as it arrives.
  let isStreaming: Bool
  /// The file beside it that holds its encoder, where that is another one.
  let base: String?
  /// Bytes of the file.
  let size: Int
  /// Bits that a weight takes on average, scales included.
  let bitsPerWeight: Double
  let licence: String
  let source: String
  let path: String

  enum CodingKeys: String, CodingKey {
    case name, family, base, size, licence, source, path
    case isStreaming = "streaming"
    case bitsPerWeight = "bits_per_weight"
  }

  /// - Throws: `ModelError`.
  init(name: String, path: String) throws {
    let file = try ModelFile(path: path)
    self.name = name
    self.path = path
    family = file.configuration.family.rawValue
    isStreaming = file.configuration.family.isStreaming
    base = file.configuration.base?.file
    size = file.byteCount
    licence = file.configuration.licence
    source = file.configuration.source
    let (bits, weights) = try Self.weights(of: file)
    bitsPerWeight = weights > 0 ? (bits / weights * 100).rounded() / 100 : 0
  }

  /// Bits and number of all weights, the vocabulary's texts apart.
  private static func weights(of file: ModelFile) throws -> (bits: Double, weights: Double) {
    let coded = file.configuration.quantization
    var bits = 0.0
    var weights = coded.values.reduce(0.0) { sum, coding in
      sum + Double(coding.rows.reduce(0, +)) * Double(coding.inputs)
    }
    for name in file.tensorNames where !name.hasPrefix("vocabulary.") {
      let tensor = try file.tensor(name)
      bits += 8 * Double(tensor.bytes.count)
      let isPart = isPart(name, of: coded)
      if !isPart { weights += Double(tensor.count) }
    }
    return (bits, weights)
  }

  /// Whether a tensor's name is that of a coded one and a part's (`NAME.bits`, `NAME.0.scale`).
  private static func isPart(_ name: String, of coded: [String: ModelConfiguration.TensorCoding]) -> Bool {
    var stem = name[...]
    for _ in 0..<2 {
      guard let dot = stem.lastIndex(of: ".") else { return false }
      stem = stem[..<dot]
      if coded[String(stem)] != nil { return true }
    }
    return false
  }
}
