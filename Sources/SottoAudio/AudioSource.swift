// What the recogniser asks of audio, wherever it comes from.

/// Mono audio as `Float` samples, full scale ±1, at a fixed rate, delivered in pieces from start to end.
///
/// Implementations deliver finite samples only (NaN and infinity are replaced by 0, values are clamped to ±4).
public protocol AudioSource: AnyObject {
  /// Samples a second.
  var sampleRate: Int { get }
  /// Length in seconds where it is known before reading (a pipe does not know it).
  var duration: Double? { get }
  /// The next samples, at most `count`; an empty array at the end.
  func read(count: Int) throws -> [Float]
}

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
    let end = min(position + max(count, 0), samples.count)
    defer { position = end }
    return samples[position..<end].map { $0.isFinite ? min(max($0, -4), 4) : 0 }
  }
}
