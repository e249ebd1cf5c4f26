// Audio that a device lost without saying so.

/// Compares the audio that came with the clock. Some devices (those of sound servers, for one) tell no overruns: when their
/// reader was held up, audio is missing, and nothing else shows it.
///
/// The lag of the audio behind the clock is jittery upwards, for readers come late, but its least value over a while is steady;
/// it follows the device's own clock, which is never quite true. A jump of it is a loss.
struct LossWatch {
  /// Seconds over which the least lag is sought, and the reads there have to be.
  private static let window = 0.5
  private static let leastReads = 20
  /// A smaller jump may be the clock's or the reader's.
  private static let leastLoss = 0.15

  /// The steady lag of the audio behind the clock, as it was known last.
  private(set) var lag: Double?
  private var reference: Double?
  private var least = Double.infinity
  private var reads = 0
  private var windowStart: Double?

  /// Takes the time at which the last frame was captured and the audio up to it, both in seconds from any moment on.
  ///
  /// - Returns: seconds that are missing, mostly 0; from the next call on `audio` has to contain them.
  mutating func observe(clock: Double, audio: Double) -> Double {
    least = min(least, clock - audio)
    reads += 1
    let start = windowStart ?? clock
    windowStart = start
    guard clock - start >= Self.window, reads >= Self.leastReads else { return 0 }
    defer { (least, reads, windowStart) = (.infinity, 0, clock) }
    guard let reference else {
      (reference, lag) = (least, least)
      return 0
    }
    let jump = least - reference
    if jump >= Self.leastLoss { return jump }
    (self.reference, lag) = (least, least)
    return 0
  }

  /// The device was opened anew: its lag may be another one.
  mutating func reset() { (reference, least, reads, windowStart) = (nil, .infinity, 0, nil) }
}
