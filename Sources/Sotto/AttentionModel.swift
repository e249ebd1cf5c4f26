// An attention encoder-decoder and what belongs to it, loaded from a file.

import SottoDecoding
import SottoFeatures
import SottoModels

/// The parts of a model of the family `attention`.
struct AttentionModel: Sendable {
  let configuration: ModelConfiguration
  let features: LogMel
  let encoder: AudioEncoder
  let decoder: AttentionDecoder
  let vocabulary: Vocabulary

  /// - Throws: `ModelError`.
  init(_ file: ModelFile) throws {
    configuration = file.configuration
    features = try Self.features(file)
    encoder = try AudioEncoder(file)
    decoder = try AttentionDecoder(file)
    vocabulary = try Self.vocabulary(file)
  }

  private static func features(_ file: ModelFile) throws -> LogMel {
    let options = file.configuration.features
    guard options.sampleRate == Segmenter.sampleRate else {
      throw ModelError.configuration(
        path: file.path, reason: "sample rate \(options.sampleRate); \(Segmenter.sampleRate) is needed")
    }
    do {
      return try LogMel(
        sampleRate: options.sampleRate, bands: options.melBands, windowLength: options.windowLength,
        hop: options.hop)
    } catch {
      throw ModelError.configuration(path: file.path, reason: error.description)
    }
  }

  private static func vocabulary(_ file: ModelFile) throws -> Vocabulary {
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
    return vocabulary
  }

  /// Samples that the model hears at once.
  var windowSamples: Int { Int(configuration.encoder.window * Double(configuration.features.sampleRate)) }
  /// Seconds of an encoder state.
  var frameDuration: Double {
    2 * Double(configuration.features.hop) / Double(configuration.features.sampleRate)
  }

  func rules(timestamps: Bool) -> TokenRules {
    let ids = configuration.vocabulary
    return TokenRules(
      endOfText: ids.endOfText, noTimestamps: ids.noTimestamps, firstTimestamp: ids.firstTimestamp,
      suppressed: ids.suppressed, suppressedAtStart: ids.suppressedAtStart, usesTimestamps: timestamps)
  }
}
