// Times as the formats write them, in whole milliseconds.

import Sotto

/// A time in milliseconds, never negative.
struct Timestamp: Hashable, Comparable {
  let milliseconds: Int

  /// - Parameter seconds: what is not finite or negative counts as 0, what is longer than 999 hours as that.
  init(seconds: Double) {
    let milliseconds = (seconds * 1000).rounded()
    self.milliseconds = milliseconds.isFinite ? Int(min(max(milliseconds, 0), 3_599_999_999)) : 0
  }

  init(milliseconds: Int) { self.milliseconds = milliseconds }

  static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

  /// `hh:mm:ss` and the milliseconds after `separator`.
  func text(separator: String) -> String {
    let hours = milliseconds / 3_600_000
    let minutes = milliseconds / 60_000 % 60
    let seconds = milliseconds / 1000 % 60
    let clock = [hours, minutes, seconds].map { padded($0, 2) }.joined(separator: ":")
    return clock + separator + padded(milliseconds % 1000, 3)
  }

  private func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

/// When a subtitle shows: at least a millisecond long, and not before the one above it.
struct Cue {
  let start: Timestamp
  let end: Timestamp

  init(_ segment: Segment, notBefore earliest: Timestamp) {
    start = max(Timestamp(seconds: segment.start), earliest)
    end = max(Timestamp(seconds: segment.end), Timestamp(milliseconds: start.milliseconds + 1))
  }
}
