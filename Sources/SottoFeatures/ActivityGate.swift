// Whether anything but background is heard right now: what decides if a stream needs to be computed at all.

import SottoKernels

/// Tells quiet stretches of a stream from those that may hold speech, at once and without looking ahead, from its log-mel
/// features. Cautious: what it calls quiet is silence, hum or steady noise; anything that comes and goes may be speech.
///
/// Features are averaged over groups of bands and some frames. The background of a group follows it down quickly and up
/// slowly (3 dB a second). The evidence of a frame is the mean over the groups of the decibels above the background and 4
/// more, 10 at most in each. In the first half second, what becomes quieter counts as well: it may have been speech.
public struct ActivityGate: Sendable {
  /// Mean decibels of evidence from which a frame may be speech.
  static let threshold: Float = 0.7
  /// Frames that a burst must last: a click is shorter.
  private static let shortest = 3
  /// Features are (log₁₀ energy + 4) / 4: a decibel is 1/40.
  private static let decibel: Float = 1.0 / 40
  private static let rise: Float = 3 * decibel / 100
  /// Share of the way down to a lower level that the background goes in a frame.
  private static let fall: Float = 0.2
  /// Share of a frame in the average.
  private static let smoothing: Float = 0.25
  private static let margin: Float = 4 * decibel
  private static let most: Float = 10 * decibel
  private static let groupSize = 5
  /// Frames at the start in which the background is not known.
  private static let settling = 50

  private struct Group {
    var level: Float
    var background: Float
    /// The loudest yet.
    var peak: Float
  }

  private let bands: Int
  private var groups: [Group] = []
  private var seen = 0
  private var burst = 0

  public init(bands: Int) { self.bands = max(bands, 1) }

  /// Takes the next features [frames, bands]; whether any of them may be speech.
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
    let count = (bands + Self.groupSize - 1) / Self.groupSize
    seen = min(seen + 1, Self.settling + 1)
    var evidence: Float = 0
    for index in 0..<count {
      let level = mean(row[(index * Self.groupSize)..<min((index + 1) * Self.groupSize, bands)])
      if groups.count <= index { groups.append(Group(level: level, background: level, peak: -.infinity)) }
      var group = groups[index]
      group.level += Self.smoothing * (level - group.level)
      evidence += excess(group.level - group.background)
      if seen <= Self.settling {
        // The first frames are not averaged enough to be compared with.
        if seen > 4 { group.peak = max(group.peak, group.level) }
        evidence += excess(group.peak - group.level)
      }
      let step = group.level - group.background
      group.background += step < 0 ? Self.fall * step : min(step, Self.rise)
      groups[index] = group
    }
    burst = evidence >= Self.threshold * Self.decibel * Float(count) ? burst + 1 : 0
    return burst >= Self.shortest
  }

  private func excess(_ difference: Float) -> Float { min(max(difference - Self.margin, 0), Self.most) }

  private func mean(_ values: Slice<UnsafeBufferPointer<Float>>) -> Float {
    var sum: Float = 0
    for value in values { sum += value.isFinite ? min(max(value, -4), 4) : 0 }
    return sum / Float(max(values.count, 1))
  }
}
