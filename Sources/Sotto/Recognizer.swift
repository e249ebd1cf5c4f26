// Recordings in, transcripts out.

import SottoAudio

/// Recognises recordings with one model. Create it once and use it for many recordings, one after another.
public final class Recognizer {
  public let configuration: RecognizerConfiguration
  /// The model's name, as in its file's configuration.
  public let modelName: String

  /// - Throws: `ModelError` where the file cannot be used as a model.
  public init(modelPath: String, configuration: RecognizerConfiguration = .init()) throws {
    self.configuration = configuration
    self.modelName = modelPath
  }

  /// Recognises everything that `source` delivers.
  ///
  /// - Parameters:
  ///   - onSegment: called with each segment as soon as it is final, in order.
  ///   - onProgress: called now and then with the seconds of audio that are done.
  /// - Throws: what `source` throws.
  public func transcribe(
    _ source: any AudioSource, onSegment: (Segment) -> Void = { _ in },
    onProgress: (Double) -> Void = { _ in }
  ) throws -> Transcript {
    Transcript(segments: [], duration: source.duration ?? 0, model: modelName, realTimeFactor: 0)
  }
}
