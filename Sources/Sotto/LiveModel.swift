// Any model, for live recognition.

import SottoModels

/// A model that audio can be given to as it comes. Load it once and share it among streams.
public struct LiveModel: Sendable {
  private enum Kind: Sendable {
    case streaming(StreamingModel)
    case attention(AttentionModel)
    case twoPass(StreamingModel, AttentionModel)
  }

  private let kind: Kind
  /// The model's name, as in its file's configuration.
  public let name: String
  /// Samples a second that streams take.
  public let sampleRate: Int

  /// - Throws: `ModelError` where the file cannot be used.
  public init(path: String) throws { try self.init(try ModelFile(path: path)) }

  /// A streaming model for text at once, and an attention model for the final text of each utterance.
  ///
  /// - Throws: `ModelError` where a file cannot be used, `RecognitionError.passes` where they are not of these kinds.
  public init(firstPass: String, secondPass: String) throws {
    let (first, second) = (try ModelFile(path: firstPass), try ModelFile(path: secondPass))
    guard first.configuration.family.isStreaming, !second.configuration.family.isStreaming else {
      throw RecognitionError.passes(first: first.configuration.name, second: second.configuration.name)
    }
    self.init(try StreamingModel(first), try AttentionModel(second))
  }

  init(_ first: StreamingModel, _ second: AttentionModel) {
    kind = .twoPass(first, second)
    name = "\(first.configuration.name)+\(second.configuration.name)"
    sampleRate = first.sampleRate
  }

  init(_ file: ModelFile) throws {
    if file.configuration.family.isStreaming {
      self.init(try StreamingModel(file))
    } else {
      self.init(try AttentionModel(file))
    }
  }

  init(_ model: StreamingModel) { self.init(.streaming(model), model.configuration) }
  init(_ model: AttentionModel) { self.init(.attention(model), model.configuration) }

  private init(_ kind: Kind, _ configuration: ModelConfiguration) {
    self.kind = kind
    name = configuration.name
    sampleRate = configuration.features.sampleRate
  }

  /// Milliseconds from one partial result to the next, where `options` do not say.
  public var defaultChunkMilliseconds: Int {
    switch kind {
    case .streaming(let model), .twoPass(let model, _): model.defaultChunkMilliseconds
    case .attention: AgreementStream.defaultInterval
    }
  }

  /// - Throws: `ModelError.chunk` where the model has no such chunks; `ModelError.configuration` where the language model
  ///   is not for it.
  public func stream(_ options: RecognitionStream.Options) throws -> any SpeechStream {
    switch kind {
    case .streaming(let model): try RecognitionStream(model, options: options)
    case .attention(let model): try AgreementStream(model, options: options)
    case .twoPass(let first, let second): try TwoPassStream(first, second, options: options)
    }
  }
}
