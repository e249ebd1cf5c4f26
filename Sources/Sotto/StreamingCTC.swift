// A streaming CTC model and what belongs to it, loaded from a file.

import SottoDecoding
import SottoFeatures
import SottoModels

/// The parts of a model of the family `ctc`.
struct StreamingCTC: Sendable {
  let configuration: ModelConfiguration
  /// At the start of a stream: a copy is one stream.
  var features: StreamingLogMel {
    get throws(FeatureError) {
      let options = configuration.features
      return try StreamingLogMel(
        sampleRate: options.sampleRate, bands: options.melBands, windowLength: options.windowLength,
        hop: options.hop, floor: options.floor ?? StreamingLogMel.defaultFloor)
    }
  }
  let model: CTCModel
  let vocabulary: Vocabulary
  /// Log-probabilities of the pieces in the unigram model of their segmentation.
  let pieceScores: [Float]

  /// - Throws: `ModelError`.
  init(_ file: ModelFile) throws {
    configuration = file.configuration
    guard configuration.features.sampleRate == Segmenter.sampleRate else {
      throw ModelError.configuration(
        path: file.path,
        reason: "sample rate \(configuration.features.sampleRate); \(Segmenter.sampleRate) is needed")
    }
    model = try CTCModel(file)
    vocabulary = try Vocabulary(file)
    pieceScores = try file.floats("vocabulary.scores", shape: [vocabulary.size])
    do { _ = try features } catch {
      throw ModelError.configuration(path: file.path, reason: error.description)
    }
  }
}
