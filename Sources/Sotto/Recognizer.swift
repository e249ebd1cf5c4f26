// Recordings in, transcripts out.

import Foundation
import SottoAudio
import SottoKernels
import SottoModels

/// Recognises recordings with one model. Create it once and use it for many recordings, one after another.
///
/// Audio is read piece by piece and cut into chunks of speech at pauses (`Segmenter`); each chunk is decoded by itself.
/// Memory does not grow with the length of a recording.
public final class Recognizer {
  public let configuration: RecognizerConfiguration
  /// The model's name, as in its file's configuration.
  public var modelName: String { model.configuration.name }

  private let model: AttentionModel
  private let decoder: ChunkDecoder

  /// - Throws: `ModelError` where the file cannot be used as a model.
  public convenience init(modelPath: String, configuration: RecognizerConfiguration = .init()) throws {
    try self.init(modelPath: modelPath, configuration: configuration, observer: nil)
  }

  init(
    modelPath: String, configuration: RecognizerConfiguration, observer: (any ActivationObserver)?
  ) throws {
    self.configuration = configuration
    model = try AttentionModel(try ModelFile(path: modelPath))
    decoder = ChunkDecoder(
      model: model, configuration: configuration,
      context: ComputeContext(workers: Workers(count: configuration.threads), observer: observer))
  }

  /// The rate that `transcribe` needs its audio at, in samples a second.
  public var sampleRate: Int { model.configuration.features.sampleRate }

  /// Seconds of audio that are read at once.
  private static let pieceDuration = 0.5

  /// Recognises everything that `source` delivers.
  ///
  /// - Parameters:
  ///   - source: audio at `sampleRate`.
  ///   - onSegment: called with each segment as soon as it is final, in order.
  ///   - onProgress: called now and then with the seconds of audio that are done.
  /// - Throws: `RecognitionError` for audio of another rate; what `source` and `onSegment` throw.
  public func transcribe(
    _ source: any AudioSource, onSegment: (Segment) throws -> Void = { _ in },
    onProgress: (Double) -> Void = { _ in }
  ) throws -> Transcript {
    guard source.sampleRate == sampleRate else {
      throw RecognitionError.sampleRate(got: source.sampleRate, needed: sampleRate)
    }
    let began = ProcessInfo.processInfo.systemUptime
    let rate = Double(sampleRate)
    var options = Segmenter.Options()
    options.longestChunk = min(configuration.longestChunk, model.window)
    var segmenter = try Segmenter(options)
    var transcript = Transcript(segments: [], duration: 0, model: modelName, realTimeFactor: 0)
    var previous: [Int] = []
    var read = 0

    func decode(_ chunk: SpeechChunk) throws {
      let (segments, tokens) = decoder.segments(chunk, rate: rate, previous: previous)
      if configuration.carryText { previous += tokens }
      for segment in segments {
        transcript.segments.append(segment)
        try onSegment(segment)
      }
      onProgress(Double(chunk.endSample) / rate)
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
      try segmenter.push(samples).forEach(decode)
      onProgress(Double(segmenter.settledSample) / rate)
    }
    try segmenter.finish().forEach(decode)
    if let failure { throw failure }
    transcript.duration = Double(read) / rate
    onProgress(transcript.duration)
    if read > 0 {
      transcript.realTimeFactor = (ProcessInfo.processInfo.systemUptime - began) / transcript.duration
    }
    return transcript
  }
}
