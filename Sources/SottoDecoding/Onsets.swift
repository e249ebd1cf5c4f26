// Where the tokens of a CTC model begin.

import SottoKernels

/// From the posteriors of successive frames to the probability that a token *begins* in a frame: that its class is the frame's,
/// and was not that of the frame before. For CTC the classes of frames are independent: p(k) (1 - q(k)) for a token, q being the
/// posteriors of the frame before; the rest is the blank's.
struct Onsets: Sendable {
  /// A token is at least as probable, so that a transducer may make something of it.
  static let lowest: Float = 1e-6

  /// Log probabilities of what begins in the frame at hand.
  private(set) var values: [Float]
  /// Probabilities of the frame before.
  private var before: [Float]
  /// Those of the frame at hand, made only where they are needed.
  private var now: [Float]

  init(classes: Int) {
    values = [Float](repeating: 0, count: classes)
    before = values
    now = values
  }

  /// Nothing was said before.
  mutating func reset() {
    for index in before.indices { before[index] = 0 }
  }

  /// Takes the log probabilities of the next frame; false where they allow nothing, which changes nothing.
  mutating func take(_ scores: UnsafeBufferPointer<Float>) -> Bool {
    var isPossible = false
    for index in now.indices {
      now[index] = exponential(logProbability(scores[index]))
      isPossible = isPossible || now[index] > 0
    }
    guard isPossible else { return false }
    var blank = now[0]
    for index in now.indices.dropFirst() {
      let goesOn = now[index] * before[index]
      blank += goesOn
      values[index] = logarithm(max(now[index] - goesOn, Self.lowest))
    }
    values[0] = logarithm(max(min(blank, 1), Self.lowest))
    swap(&now, &before)
    return true
  }
}
