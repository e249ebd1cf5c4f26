// Reading a model's configuration from JSON, and whether it can be right.

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

  /// What cannot be right, in words; nil where everything is plausible.
  ///
  /// The bounds are far above any model of this kind. They keep all sizes that are computed from the configuration
  /// far from overflow, and the memory that they ask for below a few gigabytes.
  var implausibility: String? {
    var checks: [(Bool, String)] = [
      (format >= 1, "format \(format)"),
      (features.sampleRate >= 1000 && features.sampleRate <= 384_000, "sample rate \(features.sampleRate)"),
      (
        features.windowLength >= 2 && features.windowLength <= 65_536,
        "window of \(features.windowLength) samples"
      ),
      (features.hop >= 1 && features.hop <= features.windowLength, "hop of \(features.hop) samples"),
      (features.melBands >= 1 && features.melBands <= 1024, "\(features.melBands) mel bands"),
      (
        encoder.window.isFinite && encoder.window >= 0 && encoder.window <= 3600,
        "window of \(encoder.window) s"
      ),
      (
        (1...4096).contains(encoder.paddingStride ?? 1),
        "padding stride \(encoder.paddingStride ?? 1)"
      ),
      (encoder.width == decoder.width, "widths of encoder and decoder that differ"),
    ]
    let stacks = [
      ("encoder", encoder.layers, encoder.width, encoder.heads, encoder.feedForward, encoder.positions),
      ("decoder", decoder.layers, decoder.width, decoder.heads, decoder.feedForward, decoder.positions),
    ]
    for (name, layers, width, heads, feedForward, positions) in stacks {
      checks += [
        (layers >= 1 && layers <= 256, "\(name) of \(layers) layers"),
        (width >= 1 && width <= 16_384, "\(name) of width \(width)"),
        (
          heads >= 1 && heads <= width && width % max(heads, 1) == 0,
          "\(heads) heads in the \(name)'s width \(width)"
        ),
        (feedForward >= 1 && feedForward <= 1 << 18, "feed-forward width \(feedForward) in the \(name)"),
        (positions >= 1 && positions <= 1 << 20, "\(positions) positions in the \(name)"),
      ]
    }
    for (isRight, text) in checks where !isRight { return text }
    for (name, layers, width, _, _, positions) in stacks where layers * width * positions > 1 << 28 {
      return "\(name) of \(layers) layers, width \(width) and \(positions) positions"
    }
    return sequenceImplausibility ?? vocabularyImplausibility ?? quantizationImplausibility
  }

  private var sequenceImplausibility: String? {
    // The second convolution halves the number of frames.
    let frames = encoder.window * Double(features.sampleRate) / Double(2 * features.hop)
    if frames > Double(encoder.positions) + 1 {
      return "window of \(encoder.window) s with \(encoder.positions) positions in the encoder"
    }
    for pair in decoder.alignmentHeads {
      guard pair.count == 2, (0..<decoder.layers).contains(pair[0]), (0..<decoder.heads).contains(pair[1])
      else {
        return "alignment head \(pair)"
      }
    }
    return nil
  }

  private var vocabularyImplausibility: String? {
    guard vocabulary.size >= 2, vocabulary.size <= 1 << 22 else {
      return "vocabulary of \(vocabulary.size) tokens"
    }
    let named = [
      vocabulary.endOfText, vocabulary.startOfTranscript, vocabulary.startOfPrevious, vocabulary.noSpeech,
      vocabulary.noTimestamps, vocabulary.firstTimestamp,
    ]
    for id in named + vocabulary.suppressed + vocabulary.suppressedAtStart
    where !(0..<vocabulary.size).contains(id) {
      return "token \(id) in a vocabulary of \(vocabulary.size)"
    }
    return nil
  }

  private var quantizationImplausibility: String? {
    for (name, coding) in quantization {
      let isRight =
        !coding.planes.isEmpty && coding.planes.count == coding.rows.count
        && coding.planes.allSatisfy { (1...8).contains($0) }
        && coding.rows.allSatisfy { (1...(1 << 24)).contains($0) }
        && coding.planes.count <= 64 && (1...(1 << 24)).contains(coding.inputs)
        && (1...coding.inputs).contains(coding.group)
      if !isRight { return "coding of the tensor “\(name)”" }
    }
    return nil
  }
}

extension ModelConfiguration {
  public init(from decoder: any Swift.Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      format: try container.decode(Int.self, forKey: .format),
      name: try container.decode(String.self, forKey: .name),
      family: try container.decode(Family.self, forKey: .family),
      licence: try container.decode(String.self, forKey: .licence),
      source: try container.decode(String.self, forKey: .source),
      features: try container.decode(Features.self, forKey: .features),
      encoder: try container.decode(Encoder.self, forKey: .encoder),
      decoder: try container.decode(Decoder.self, forKey: .decoder),
      vocabulary: try container.decode(Vocabulary.self, forKey: .vocabulary),
      // A float model need not say that nothing is coded.
      quantization: try container.decodeIfPresent([String: TensorCoding].self, forKey: .quantization) ?? [:])
  }
}
