// Recordings in, transcripts out.

import Foundation
import SottoAudio
import SottoDecoding
import SottoKernels
import SottoModels

/// Recognises recordings with one model. Create it once and use it for many recordings, one after another.
///
/// Audio is read piece by piece. An attention model gets it in chunks of speech, cut at pauses (`Segmenter`), each
/// decoded by itself; a streaming model hears it as it would live (`RecognitionStream`), and so does an attention model from which partial
/// results are wanted (`SpeechStream`). Memory does not grow with the length of a recording.
public final class Recognizer {
  public let configuration: RecognizerConfiguration
  /// The model's name, as in its file's configuration.
  public let modelName: String
  /// The rate that `transcribe` needs its audio at, in samples a second.
  public let sampleRate: Int

  private let model: Model

  private enum Model {
    case attention(ChunkDecoder)
    case streaming(StreamingModel)
    case twoPass(StreamingModel, AttentionModel)
  }

  /// - Throws: `ModelError` where the file cannot be used as a model, or has no chunks as the configuration wants them;
  ///   `DecodingError.biasPhrase` for phrases that cannot be listened for.
  public convenience init(modelPath: String, configuration: RecognizerConfiguration = .init()) throws {
    try self.init(modelPath: modelPath, configuration: configuration, observer: nil)
  }

  /// Two passes: recordings are heard by a streaming model as they would be live, and each utterance once more by an attention model.
  ///
  /// - Throws: as `init(modelPath:configuration:)`; `RecognitionError.passes` where the models are not of these kinds.
  public init(
    firstPass: String, secondPass: String, configuration: RecognizerConfiguration = .init()
  ) throws {
    self.configuration = configuration
    let (first, second) = (try ModelFile(path: firstPass), try ModelFile(path: secondPass))
    guard first.configuration.family.isStreaming, !second.configuration.family.isStreaming else {
      throw RecognitionError.passes(first: first.configuration.name, second: second.configuration.name)
    }
    let (streaming, attention) = (try StreamingModel(first), try AttentionModel(second))
    try Self.check(streaming, configuration)
    modelName = "\(first.configuration.name)+\(second.configuration.name)"
    sampleRate = streaming.sampleRate
    model = .twoPass(streaming, attention)
  }

  private static func check(_ model: StreamingModel, _ configuration: RecognizerConfiguration) throws {
    _ = try model.acoustic.encoder.chunk(milliseconds: configuration.chunkMilliseconds)
    try configuration.languageModel?.file.check(
      fits: LanguageModelVocabulary(model.vocabulary), of: model.configuration.name)
    _ = try configuration.bias.map { try ContextBias($0, vocabulary: model.vocabulary) }
  }

  init(
    modelPath: String, configuration: RecognizerConfiguration, observer: (any ActivationObserver)?
  ) throws {
    self.configuration = configuration
    let file = try ModelFile(path: modelPath)
    modelName = file.configuration.name
    sampleRate = file.configuration.features.sampleRate
    if file.configuration.family.isStreaming {
      let streaming = try StreamingModel(file)
      try Self.check(streaming, configuration)
      model = .streaming(streaming)
    } else {
      model = .attention(
        try ChunkDecoder(
          model: try AttentionModel(file), configuration: configuration,
          context: ComputeContext(workers: Workers(count: configuration.threads), observer: observer)))
    }
  }

  /// Whether the model hears audio as it comes.
  public var isStreaming: Bool {
    if case .attention = model { false } else { true }
  }

  private func makeSession(partials: Bool) throws -> any RecordingSession {
    switch model {
    case .attention(let decoder):
      partials
        ? try LiveSession(LiveModel(decoder.model), configuration, partials: true)
        : try AttentionSession(decoder)
    case .streaming(let model): try LiveSession(LiveModel(model), configuration, partials: partials)
    case .twoPass(let first, let second):
      try LiveSession(LiveModel(first, second), configuration, partials: partials)
    }
  }

  /// Seconds of audio that are read at once.
  private static let pieceDuration = 0.5

  /// Recognises everything that `source` delivers.
  ///
  /// - Parameters:
  ///   - source: audio at `sampleRate`.
  ///   - onSegment: called with each segment as soon as it is final, in order.
  ///   - onPartial: called with what is known of an utterance under way; the recording is heard as it would be live then.
  ///   - onProgress: called now and then with the seconds of audio that are done.
  /// - Throws: `RecognitionError` for audio of another rate; what `source` and `onSegment` throw.
  public func transcribe(
    _ source: any AudioSource, onSegment: (Segment) throws -> Void = { _ in },
    onPartial: ((PartialResult) throws -> Void)? = nil,
    onProgress: (Double) -> Void = { _ in }
  ) throws -> Transcript {
    guard source.sampleRate == sampleRate else {
      throw RecognitionError.sampleRate(got: source.sampleRate, needed: sampleRate)
    }
    let began = ProcessInfo.processInfo.systemUptime
    let rate = Double(sampleRate)
    let session = try makeSession(partials: onPartial != nil)
    var transcript = Transcript(segments: [], duration: 0, model: modelName, realTimeFactor: 0)
    var read = 0

    func tell(_ event: RecognitionEvent) throws {
      switch event {
      case .partial(let partial): try onPartial?(partial)
      case .final(let segment, _):
        transcript.segments.append(segment)
        try onSegment(segment)
        onProgress(session.settled)
      }
    }

    var failure: (any Error)?
    while failure == nil {
      let samples: [Float]
      do { samples = try source.read(count: Int(Self.pieceDuration * rate)) } catch {
        // What came before is recognised still.
        failure = error
        break
      }
      if samples.isEmpty { break }
      read += samples.count
      try session.push(samples, tell)
      onProgress(session.settled)
    }
    try session.finish(tell)
    if let failure { throw failure }
    transcript.duration = Double(read) / rate
    onProgress(transcript.duration)
    if case .attention(let decoder) = model, onPartial == nil { transcript.stageTimes = decoder.clock.take() }
    if read > 0 {
      transcript.realTimeFactor = (ProcessInfo.processInfo.systemUptime - began) / transcript.duration
    }
    return transcript
  }
}
