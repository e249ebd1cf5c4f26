// A streaming model and what belongs to it, loaded from a file.

import SottoDecoding
import SottoFeatures
import SottoModels

/// The parts of a model of the family `ctc`, or of one that stands on such a model: `rnnt`, `mocha`. Load it once and share it among streams.
public struct StreamingModel: Sendable {
  public let configuration: ModelConfiguration
  /// From features to scores of pieces.
  public let acoustic: CTCModel
  /// What stands on it.
  let decoder: Decoder
  public let vocabulary: PieceVocabulary

  enum Decoder: Sendable {
    /// The scores themselves.
    case none
    case transducer(Transducer)
    case monotonic(MonotonicAttention)
  }

  /// - Throws: `ModelError` where the file cannot be used, or holds a model of another kind.
  public init(path: String) throws { try self.init(try ModelFile(path: path)) }

  init(_ file: ModelFile) throws {
    configuration = file.configuration
    guard configuration.features.sampleRate == Segmenter.sampleRate else {
      throw ModelError.configuration(
        path: file.path,
        reason: "sample rate \(configuration.features.sampleRate); \(Segmenter.sampleRate) is needed")
    }
    acoustic = try CTCModel(configuration.base != nil ? try file.base() : file)
    decoder =
      switch configuration.family {
      case .rnnt: .transducer(try Transducer(file))
      case .mocha: .monotonic(try MonotonicAttention(file))
      case .ctc, .attention: .none
      }
    let texts = try Vocabulary(file)
    do {
      vocabulary = try PieceVocabulary(
        pieces: (0..<texts.size).map { texts.text([$0]) },
        scores: try file.floats("vocabulary.scores", shape: [texts.size]))
      _ = try features
    } catch let error as DecodingError {
      throw ModelError.configuration(path: file.path, reason: error.description)
    } catch let error as FeatureError {
      throw ModelError.configuration(path: file.path, reason: error.description)
    }
  }

  /// Samples a second that streams take.
  public var sampleRate: Int { configuration.features.sampleRate }
  /// Lengths of chunks that the model can be used with, in ms.
  public var chunkMilliseconds: [Int] { acoustic.encoder.chunkMilliseconds }

  /// The one that is taken where none is asked for.
  public var defaultChunkMilliseconds: Int { acoustic.encoder.defaultChunkMilliseconds }

  /// The search through one stream.
  func search(
    _ options: StreamingSearchOptions, scorers: [any FusionScorer], context: ComputeContext
  ) -> any StreamingSearch {
    switch decoder {
    case .none: CTCBeamSearch(pieces: vocabulary.size, options: options, scorers: scorers)
    case .transducer(let model):
      TransducerBeamSearch(
        TransducerDecoder(
          model,
          share: scorers.contains { $0.isLanguageModel } ? TransducerDecoder.shareBesideLanguageModel : 1,
          context), pieces: vocabulary.size, options: options, scorers: scorers)
    case .monotonic(let model):
      MoChABeamSearch(
        MonotonicAttentionDecoder(model, context), pieces: vocabulary.size, options: options,
        scorers: scorers)
    }
  }

  /// At the start of a stream: a copy is one stream.
  var features: StreamingLogMel {
    get throws(FeatureError) {
      let options = configuration.features
      return try StreamingLogMel(
        sampleRate: options.sampleRate, bands: options.melBands, windowLength: options.windowLength,
        hop: options.hop, floor: options.floor ?? StreamingLogMel.defaultFloor)
    }
  }
}
