// What every kind of live recognition offers.

/// One stream of audio through a model: samples in, events out. Nothing that was committed or final changes; memory does not grow, however
/// long the stream is.
///
///     let stream = try LiveModel(path: "tiny.en.safetensors").stream(.init())
///     while let samples = microphone.next() {
///       for event in try stream.accept(samples) { show(event) }
///     }
///     for event in try stream.finish() { show(event) }
public protocol SpeechStream: AnyObject {
  /// While set, no partial results are computed: for those who cannot keep up.
  var skipsPartials: Bool { get set }

  /// Takes the next samples, at the model's rate, in -1...1. What cannot be sound, or is not a number, counts as 0.
  ///
  /// - Parameter sampleRate: the rate of these samples, to be checked where it may change; nil where it is known.
  /// - Throws: `RecognitionError.finished` after `finish`, `.sampleRate` for samples of another rate than the model's; none of
  ///   them is taken then, and the stream can go on.
  func accept(_ samples: [Float], sampleRate: Int?) throws -> [RecognitionEvent]

  /// Ends the utterance under way now, without waiting for an endpoint; the stream goes on.
  func finishUtterance() throws -> [RecognitionEvent]

  /// Ends the stream: its last words. Nothing can be accepted afterwards but after `reset`.
  func finish() throws -> [RecognitionEvent]

  /// Forgets everything; another stream begins at 0 s.
  func reset()
}

extension SpeechStream {
  /// Takes the next samples, at the model's rate.
  public func accept(_ samples: [Float]) throws -> [RecognitionEvent] {
    try accept(samples, sampleRate: nil)
  }
}

/// No sample of any recording is louder: 30 dB above full scale.
private let loudest: Float = 32

/// Samples with 0 for what cannot be sound, or is not a number.
func audible(_ samples: [Float]) -> [Float] {
  samples.allSatisfy { abs($0) <= loudest } ? samples : samples.map { abs($0) <= loudest ? $0 : 0 }
}
