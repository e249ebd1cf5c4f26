// Whether anything but background is heard right now: what decides if a stream needs to be computed at all.

import SottoKernels

/// Tells quiet stretches of a stream from those that may hold speech, at once and without looking ahead, from its log-mel
/// features. Cautious: what it calls quiet is silence, hum or steady noise; anything that comes and goes may be speech.
///
/// The background of a band follows it down quickly and up slowly (3 dB a second). The evidence of a frame is the mean
/// over all bands of the decibels above the background and 4 more, 10 at most in each band.
public struct ActivityGate: Sendable {
  /// Mean decibels over the background from which a frame may be speech.
  public static let threshold: Float = 0.7
  /// Frames that a burst must last: a click is shorter.
  private static let shortest = 3
  /// Features are (log₁₀ energy + 4) / 4: a decibel is 1/40.
  private static let decibel: Float = 1.0 / 40
  private static let rise: Float = 3 * decibel / 100
  /// Share of the way down to a lower level that the background goes in a frame.
  private static let fall: Float = 0.2
  private static let margin: Float = 4 * decibel
  private static let most: Float = 10 * decibel

  private let bands: Int
  private var background: [Float] = []
  private var smoothed: [Float] = []
  private var burst = 0
  /// The background is not known before so many frames.
  private var seen = 0
  private static let settling = 30

  public init(bands: Int) { self.bands = max(bands, 1) }

  /// Takes the next features [frames, bands]; whether any of them may be speech.
  ///
  /// The first 0.3 s of a stream count as speech unless they are at the floor of the features: nothing is known before them.
  public mutating func push(_ features: Matrix) -> Bool {
    guard features.columns == bands else { return features.rows > 0 }
    var isActive = false
    features.withUnsafeElements { elements in
      for frame in 0..<features.rows {
        let row = UnsafeBufferPointer(rebasing: elements[(frame * bands)..<((frame + 1) * bands)])
        if take(row) { isActive = true }
      }
    }
    return isActive
  }

  private mutating func take(_ row: UnsafeBufferPointer<Float>) -> Bool {
    if background.isEmpty {
      background = Array(row)
      smoothed = background
    }
    seen += 1
    var evidence: Float = 0
    var level: Float = -.infinity
    for band in 0..<bands {
      let value = row[band].isFinite ? row[band] : -1
      level = max(level, value)
      smoothed[band] += 0.3 * (value - smoothed[band])
      let floor = background[band]
      evidence += min(max(smoothed[band] - floor - Self.margin, 0), Self.most)
      let step = smoothed[band] - floor
      background[band] = step < 0 ? floor + Self.fall * step : floor + min(step, Self.rise)
    }
    evidence /= Float(bands) * Self.decibel
    if seen <= Self.settling { return level > Self.silence }
    burst = evidence >= Self.threshold ? burst + 1 : 0
    return burst >= Self.shortest
  }

  /// Highest level of a band, as a feature, that is silence whatever came before: 2 dB above the floor of -6.5.
  private static let silence: Float = (-6.3 + 4) / 4
}
