// The level of the background, band by band, from what comes before and after each frame.

/// Minimum statistics (Martin 2001) on both sides: the floor of a frame is the larger of the least energies within
/// 0.75 s before it and within 0.75 s after it. Sound that is steady is its own floor from its first frame to its last,
/// even where it starts or stops at once or fades, if it lasts 1.5 s; speech falls back between sounds in that time.
struct NoiseFloor {
  /// Frames of 10 ms searched on either side.
  static let reach = 75
  /// Frames that energies are averaged over, lest the minima of noise lie far below its level.
  static let smoothing = 9
  /// Frames that a frame waits for its future.
  static let delay = reach + smoothing - 1
  /// In a recording shorter than `reach`, a frame with fewer frames than this on one side has its floor from the
  /// other side alone: the minimum over the first few frames of a word that begins at once would be the word.
  static let fewFrames = 20

  struct Frame {
    /// Energies, [bands].
    var energies: [Float]
    /// Background, [bands].
    var floor: [Float]
  }

  private struct Waiting {
    var energies: [Float]
    var minimumBefore: [Float]
  }

  private let bands: Int
  private var recent: [[Float]] = []
  private var minimum: SlidingMinimum
  private var waiting: [Waiting] = []
  /// Frames pushed, and frames given back.
  private var received = 0
  private var delivered = 0

  init(bands: Int) {
    self.bands = bands
    minimum = SlidingMinimum(width: bands, length: Self.reach + 1)
  }

  /// Takes the energies of the next frame, [bands]; gives the frame `delay` before it.
  mutating func push(_ energies: [Float]) -> Frame? {
    recent.append(energies)
    if recent.count > Self.smoothing { recent.removeFirst() }
    let minima = minimum.push(meanOfRecent())
    waiting.append(Waiting(energies: energies, minimumBefore: minima))
    received += 1
    return waiting.count > Self.delay ? next(minimumAfter: minima, future: Self.delay) : nil
  }

  /// Ends the stream and gives the frames that were waiting. The next frame starts another stream.
  mutating func finish() -> [Frame] {
    var frames: [Frame] = []
    for frame in received..<(received + Self.delay) {
      // The last average goes on: one of fewer frames would be less, where those of hum alternate.
      let minima = minimum.push(recent.isEmpty ? Array(repeating: .infinity, count: bands) : meanOfRecent())
      if frame >= Self.delay { frames.append(next(minimumAfter: minima, future: received - delivered - 1)) }
    }
    self = NoiseFloor(bands: bands)
    return frames
  }

  private mutating func next(minimumAfter: [Float], future: Int) -> Frame {
    let frame = waiting.removeFirst()
    let past = delivered
    delivered += 1
    var floor = frame.minimumBefore
    let isShort = past + future < Self.reach
    if isShort, past < Self.fewFrames, past < future {
      floor = minimumAfter
    } else if !isShort || future >= Self.fewFrames {
      for band in 0..<bands { floor[band] = max(floor[band], minimumAfter[band]) }
    }
    return Frame(energies: frame.energies, floor: floor)
  }

  private func meanOfRecent() -> [Float] {
    var mean = [Float](repeating: 0, count: bands)
    for energies in recent {
      for band in 0..<bands { mean[band] += energies[band] }
    }
    for band in 0..<bands { mean[band] /= Float(recent.count) }
    return mean
  }
}
