// Overlapping frames out of samples that arrive in pieces.

/// Cuts a stream into the centred frames of the offline computation: frame t is centred on sample t · hop, the ends
/// are continued by reflection, and n samples have n / hop frames. Keeps about one frame of samples.
struct FrameStream {
  let windowLength: Int
  let hop: Int
  /// Samples that frames still need.
  private var pending: [Float] = []
  /// Index in the stream of `pending`'s first sample; negative while the reflected start is in it.
  private var origin = 0
  private var received = 0
  private var nextFrame = 0
  private var half: Int { windowLength / 2 }

  init(windowLength: Int, hop: Int) {
    self.windowLength = windowLength
    self.hop = hop
  }

  /// Takes the next samples; `body` gets each frame, [windowLength], that they complete.
  mutating func push(_ samples: [Float], body: (UnsafeBufferPointer<Float>) -> Void) {
    pending.append(contentsOf: samples)
    received += samples.count
    if nextFrame == 0, origin == 0 {
      guard received > half else { return }
      // Not by `insert` of a slice of itself: the optimiser of Swift 6.3 frees the array before the slice is read.
      let reflection = [Float](pending[1...half].reversed())
      pending = reflection + pending
      origin = -half
    }
    // A frame counts once its hop is complete too, or the stream might end with fewer frames.
    let needed = max(windowLength, half + hop)
    pending.withUnsafeBufferPointer { pending in
      var start = nextFrame * hop - half - origin
      while start + needed <= pending.count {
        body(UnsafeBufferPointer(rebasing: pending[start..<(start + windowLength)]))
        nextFrame += 1
        start += hop
      }
    }
    let surplus = nextFrame * hop - half - origin
    if surplus > 0 {
      pending.removeFirst(surplus)
      origin += surplus
    }
  }

  /// Ends the stream: `body` gets the frames that reflect its end. The next sample starts another stream.
  mutating func finish(body: (UnsafeBufferPointer<Float>) -> Void) {
    var frame = [Float](repeating: 0, count: windowLength)
    while nextFrame < received / hop {
      let start = nextFrame * hop - half
      for index in frame.indices {
        frame[index] = pending[reflectedIndex(start + index, count: received) - origin]
      }
      frame.withUnsafeBufferPointer(body)
      nextFrame += 1
    }
    self = FrameStream(windowLength: windowLength, hop: hop)
  }
}
