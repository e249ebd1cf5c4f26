// Reading and writing a model's configuration as JSON.

import Foundation

extension ModelConfiguration {
  /// - Throws: `ModelError.newerFormat`, or `.configuration` where a field is missing, of a wrong type or implausible.
  init(json: String, path: String) throws {
    struct Format: Decodable { var format: Int }
    let data = Data(json.utf8)
    do {
      // First the format alone: a newer one may have other fields.
      let format = try JSONDecoder().decode(Format.self, from: data).format
      guard format <= Self.currentFormat else {
        throw ModelError.newerFormat(path: path, format: format, supported: Self.currentFormat)
      }
      self = try JSONDecoder().decode(Self.self, from: data)
    } catch let error as DecodingError {
      throw ModelError.configuration(path: path, reason: Self.text(of: error))
    }
    if let reason = implausibility { throw ModelError.configuration(path: path, reason: reason) }
  }

  /// The JSON for a file's metadata.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  private static func text(of error: DecodingError) -> String {
    func field(_ keys: [any CodingKey]) -> String {
      "“" + keys.map(\.stringValue).joined(separator: ".") + "”"
    }
    return switch error {
    case .keyNotFound(let key, let context): "\(field(context.codingPath + [key])) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "\(field(context.codingPath)) has a wrong type"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
      "\(field(context.codingPath)) has an unknown value"
    default: "it is not valid JSON, or a number in it is out of range"
    }
  }

  /// Needs the parts of the family and leaves out those of others.
  public init(from decoder: any Swift.Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let family = try container.decode(Family.self, forKey: .family)
    func part<Part: Decodable>(_ type: Part.Type, _ key: CodingKeys, of families: Family...) throws -> Part? {
      families.contains(family) ? try container.decode(type, forKey: key) : nil
    }
    self.init(
      format: try container.decode(Int.self, forKey: .format),
      name: try container.decode(String.self, forKey: .name),
      family: family,
      licence: try container.decode(String.self, forKey: .licence),
      source: try container.decode(String.self, forKey: .source),
      features: try container.decode(Features.self, forKey: .features),
      encoder: try container.decode(Encoder.self, forKey: .encoder),
      streaming: try part(Streaming.self, .streaming, of: .ctc, .rnnt, .mocha),
      recurrent: try part(Recurrent.self, .recurrent, of: .ctc, .rnnt, .mocha),
      base: try part(Base.self, .base, of: .rnnt, .mocha),
      transducer: try part(Transducer.self, .transducer, of: .rnnt),
      mocha: try part(MoChA.self, .mocha, of: .mocha),
      decoder: try part(Decoder.self, .decoder, of: .attention),
      vocabulary: Vocabulary(
        size: try container.decode(VocabularySize.self, forKey: .vocabulary).size,
        special: try part(SpecialTokens.self, .vocabulary, of: .attention)),
      // A float model need not say that nothing is coded.
      quantization: try container.decodeIfPresent([String: TensorCoding].self, forKey: .quantization) ?? [:])
  }

  private struct VocabularySize: Decodable { var size: Int }
}

extension ModelConfiguration.Vocabulary: Encodable {
  enum CodingKeys: String, CodingKey { case size }

  /// Size and special tokens side by side in one object.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(size, forKey: .size)
    try special?.encode(to: encoder)
  }
}
