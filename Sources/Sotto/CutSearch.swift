// Where to cut speech that goes on for too long.

import SottoFeatures

/// A chunk of speech that has not ended: the frames since its first speech.
struct OpenChunk {
  /// First sample.
  var start: Int
  /// The frame of `energies`' first element.
  private(set) var firstFrame: Int
  private(set) var energies: [Float] = []
  /// Stretches of frames without speech that speech follows.
  private(set) var pauses: [Range<Int>] = []
  private(set) var lastSpeech: Int

  init(start: Int, firstFrame: Int) {
    self.start = start
    self.firstFrame = firstFrame
    lastSpeech = firstFrame
  }

  mutating func append(_ decision: SpeechActivity.Frame, frame: Int) {
    energies.append(decision.energy)
    guard decision.isSpeech else { return }
    if frame > lastSpeech + 1 { pauses.append((lastSpeech + 1)..<frame) }
    lastSpeech = frame
  }

  mutating func removeFirst(before frame: Int) {
    energies.removeFirst(min(max(frame - firstFrame, 0), energies.count))
    firstFrame = frame
    pauses.removeAll { $0.lowerBound < frame }
  }

  /// The frame in `range` around which the energy over 50 ms is least.
  func quietestFrame(in range: Range<Int>) -> Int {
    func energy(around frame: Int) -> Float {
      let nearby = max(frame - 2 - firstFrame, 0)..<min(max(frame + 3 - firstFrame, 0), energies.count)
      return nearby.isEmpty ? .infinity : energies[nearby].reduce(0, +) / Float(nearby.count)
    }
    return range.min { energy(around: $0) < energy(around: $1) } ?? range.lowerBound
  }
}

/// Chooses the frame to cut at: in a long pause, late in the chunk; else at the quietest moment.
struct CutSearch {
  /// Frames.
  let longestChunk: Int
  let shortestPause: Int
  /// Longer pauses are no better: every sentence ends in one of these.
  private static let amplePause = 100

  struct Place {
    var frame: Int
    /// The pause that it lies in.
    var pause: Range<Int>?
  }

  /// - Parameter end: the frame by which the chunk must end.
  func place(in chunk: OpenChunk, before end: Int) -> Place {
    let clear = chunk.pauses.filter { $0.count >= shortestPause && $0.lowerBound < end }
    let late = clear.filter { $0.lowerBound >= end - longestChunk / 2 }
    // Short of a pause in the second half, one a little earlier is better than a cut through a word.
    let usable = late.isEmpty ? clear.filter { $0.lowerBound >= end - longestChunk * 5 / 6 } : late
    guard let pause = usable.max(by: { worth($0, end: end) < worth($1, end: end) }) else {
      return Place(frame: chunk.quietestFrame(in: (end - longestChunk / 3)..<(end - 1)), pause: nil)
    }
    let margin = pause.count / 4
    let last = min(pause.upperBound - margin, end)
    let first = min(pause.lowerBound + margin, last - 1)
    return Place(frame: chunk.quietestFrame(in: first..<last), pause: pause)
  }

  /// The longer and the later the better, by up to two each.
  private func worth(_ pause: Range<Int>, end: Int) -> Double {
    let length = Double(min(pause.count, Self.amplePause)) / Double(Self.amplePause)
    return length * (2 - Double(end - pause.lowerBound) / Double(longestChunk))
  }
}
