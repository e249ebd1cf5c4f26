// What the recogniser asks of audio, wherever it comes from.

/// Mono audio as `Float` samples, full scale ±1, at a fixed rate, delivered in pieces from start to end.
///
/// Implementations deliver finite samples only (NaN and infinity are replaced by 0, values are clamped to ±4).
/// Where reading fails part way, everything read until then is delivered first, one call throws, and the calls
/// after it return nothing: a caller may catch the error and keep what it has.
public protocol AudioSource: AnyObject {
  /// Samples a second.
  var sampleRate: Int { get }
  /// Length in seconds where it is known before reading (a pipe does not know it).
  var duration: Double? { get }
  /// The next samples, at most `count`; an empty array at the end. A live source returns what has arrived, which
  /// may be fewer than `count`, and waits only where nothing has.
  func read(count: Int) throws -> [Float]
  /// What the user should know of this audio although it could be read, in one line without the name of the
  /// file, for example `ends early: the header announces 12.0 s, the data has 3.2 s`. Complete after the end.
  var warning: String? { get }
}

extension AudioSource {
  public var warning: String? { nil }
}

/// The range that every delivered sample lies in. Full scale is 1; sums of channels, lossy decoders and
/// resampling overshoot it a little, and nothing honest reaches four times full scale.
let sampleLimit: Float = 4

/// Audio that is in memory already.
public final class SampleSource: AudioSource {
  public let sampleRate: Int
  private let samples: [Float]
  private var position = 0

  public init(samples: [Float], sampleRate: Int = 16_000) {
    self.samples = samples
    self.sampleRate = sampleRate
  }

  public var duration: Double? { Double(samples.count) / Double(max(sampleRate, 1)) }

  public func read(count: Int) -> [Float] {
    let end = position + min(max(count, 0), samples.count - position)
    defer { position = end }
    return samples[position..<end].map { $0.isFinite ? min(max($0, -sampleLimit), sampleLimit) : 0 }
  }
}
