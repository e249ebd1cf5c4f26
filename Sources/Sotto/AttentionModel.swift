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
  let special: ModelConfiguration.SpecialTokens
  /// Seconds that the model hears at once.
  let window: Double

  /// - Throws: `ModelError`.
  init(_ file: ModelFile) throws {
    special = try file.part(\.vocabulary.special, of: .attention)
    window = try file.part(\.encoder.window, of: .attention)
    configuration = file.configuration
    features = try Self.features(file)
    encoder = try AudioEncoder(file)
    decoder = try AttentionDecoder(file)
    vocabulary = try Vocabulary(file)
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

  /// Samples that the model hears at once.
  var windowSamples: Int { Int(window * Double(configuration.features.sampleRate)) }
  /// Seconds of an encoder state.
  var frameDuration: Double {
    2 * Double(configuration.features.hop) / Double(configuration.features.sampleRate)
  }

  func rules(timestamps: Bool) -> TokenRules {
    TokenRules(
      endOfText: special.endOfText, noTimestamps: special.noTimestamps,
      firstTimestamp: special.firstTimestamp, suppressed: special.suppressed,
      suppressedAtStart: special.suppressedAtStart, usesTimestamps: timestamps)
  }
}
