// When each token of a known text was said.

import SottoKernels

/// The likeliest way to lay the tokens of a text over the frames of a CTC model (Viterbi).
public struct ForcedAlignment: Sendable, Hashable {
  public struct Token: Sendable, Hashable {
    public var token: Int
    /// The frames that say it, at least one. CTC models say a token in one or two frames near its beginning, so that
    /// these are less than it lasts.
    public var frames: Range<Int>
    /// Mean log probability of the token in these frames.
    public var score: Float
    /// Probability in 0...1 that the token is there, as the model sees it: the largest in its frames.
    public var confidence: Float
  }

  /// In order, one for each token of the text.
  public var tokens: [Token]
  /// Log probability of the alignment, for each frame.
  public var meanScore: Float
  /// How much likelier the likeliest class of each frame is than the one that the text asks for, in natural logarithms for
  /// each token of the text; 0 for the text that greedy search finds, several for a text that is not in the audio.
  public var shortfall: Float

  /// Log probabilities below this count as this much, so that a text that does not fit gets a low score and not none.
  private static let floor: Float = -30

  /// Aligns `tokens` to the rows of `logProbabilities`, [frames, classes], class 0 being the blank and class i + 1 token i.
  /// Memory grows with the larger of √frames · tokens and frames. A row that allows nothing fits anything.
  ///
  /// - Throws: `DecodingError.nothingToAlign`, `.unknownToken`, `.tooFewFrames`.
  public init(_ tokens: [Int], to logProbabilities: Matrix) throws {
    let pieces = logProbabilities.columns - 1
    guard !tokens.isEmpty else { throw DecodingError.nothingToAlign }
    if let bad = tokens.first(where: { $0 < 0 || $0 >= pieces }) {
      throw DecodingError.unknownToken(bad, size: max(pieces, 0))
    }
    let repetitions = zip(tokens, tokens.dropFirst()).filter { $0 == $1 }.count
    let needed = tokens.count + repetitions
    guard logProbabilities.rows >= needed else {
      throw DecodingError.tooFewFrames(got: logProbabilities.rows, needed: needed)
    }
    let lattice = Lattice(tokens: tokens, frames: logProbabilities.rows)
    self = logProbabilities.withUnsafeElements { elements in
      let rows = Rows(elements: elements, classes: pieces + 1)
      return Self(path: lattice.bestPath(rows), tokens: tokens, rows: rows)
    }
  }

  /// - Parameter path: the lattice's state in each frame.
  private init(path: [Int32], tokens: [Int], rows: Rows) {
    var spans: [Token] = []
    var total: Float = 0
    var best: Float = 0
    for (frame, state) in path.enumerated() {
      let place = Int(state) / 2
      let isToken = state % 2 == 1
      let score = rows.score(frame, isToken ? tokens[place] + 1 : 0)
      total += score
      best += rows.best(frame)
      guard isToken else { continue }
      if place < spans.count {
        spans[place].frames = spans[place].frames.lowerBound..<(frame + 1)
        spans[place].score += score
        spans[place].confidence = max(spans[place].confidence, score)
      } else {
        spans.append(
          Token(token: tokens[place], frames: frame..<(frame + 1), score: score, confidence: score))
      }
    }
    for index in spans.indices {
      spans[index].score /= Float(spans[index].frames.count)
      spans[index].confidence = exponential(spans[index].confidence)
    }
    self.tokens = spans
    meanScore = total / Float(max(path.count, 1))
    shortfall = max(best - total, 0) / Float(tokens.count)
  }

  /// The scores, with what makes no sense in them defined.
  fileprivate struct Rows {
    let elements: UnsafeBufferPointer<Float>
    let classes: Int
    /// For each frame whether there is a score in it.
    private var isEmpty: [Bool] = []

    init(elements: UnsafeBufferPointer<Float>, classes: Int) {
      self.elements = elements
      self.classes = classes
      isEmpty = stride(from: 0, to: elements.count, by: classes).map { first in
        elements[first..<(first + classes)].allSatisfy { logProbability($0) == -.infinity }
      }
    }

    func score(_ frame: Int, _ column: Int) -> Float {
      isEmpty[frame]
        ? 0 : max(logProbability(elements[frame * classes + column]), ForcedAlignment.floor)
    }

    func best(_ frame: Int) -> Float {
      (0..<classes).reduce(ForcedAlignment.floor) { max($0, score(frame, $1)) }
    }
  }

  /// States are blank, first token, blank, second token, … , blank. From each frame to the next a state stays, goes one
  /// on, or two where that leaves out a blank between different tokens.
  fileprivate struct Lattice {
    let tokens: [Int]
    let frames: Int
    private var states: Int { 2 * tokens.count + 1 }
    /// Frames between those whose sums are kept; the steps between are worked out again, a block at a time.
    private var block: Int { max(Int(Double(frames).squareRoot()), 32) }

    init(tokens: [Int], frames: Int) {
      self.tokens = tokens
      self.frames = frames
    }

    /// The state in each frame.
    func bestPath(_ rows: Rows) -> [Int32] {
      var kept: [[Float]] = []
      var sums = [Float](repeating: -.infinity, count: states)
      var steps = [UInt8](repeating: 0, count: states * block)
      for frame in 0..<frames {
        if frame % block == 0 { kept.append(sums) }
        advance(&sums, frame: frame, rows: rows, steps: &steps, at: 0)
      }
      var path = [Int32](repeating: 0, count: frames)
      var state = sums[states - 1] > sums[states - 2] ? states - 1 : states - 2
      for first in stride(from: (kept.count - 1) * block, through: 0, by: -block) {
        let end = min(first + block, frames)
        sums = kept.removeLast()
        for frame in first..<end {
          advance(&sums, frame: frame, rows: rows, steps: &steps, at: (frame - first) * states)
        }
        for frame in (first..<end).reversed() {
          path[frame] = Int32(state)
          state -= Int(steps[(frame - first) * states + state])
        }
      }
      return path
    }

    /// Sums after `frame`, and how far each state came, in `steps` from `offset` on.
    private func advance(
      _ sums: inout [Float], frame: Int, rows: Rows, steps: inout [UInt8], at offset: Int
    ) {
      if frame == 0 {
        sums[0] = rows.score(0, 0)
        sums[1] = rows.score(0, tokens[0] + 1)
        steps[offset] = 0
        steps[offset + 1] = 0
        return
      }
      // States that the start reaches, and from which the end is still reached.
      let last = min(states - 1, 2 * frame + 1)
      let first = max(0, states - 2 * (frames - frame))
      let blank = rows.score(frame, 0)
      for state in stride(from: last, through: first, by: -1) {
        var best = sums[state]
        var step: UInt8 = 0
        if state > 0, sums[state - 1] > best { (best, step) = (sums[state - 1], 1) }
        let place = state / 2
        if state % 2 == 1 {
          if state > 1, tokens[place] != tokens[place - 1], sums[state - 2] > best {
            (best, step) = (sums[state - 2], 2)
          }
          best += rows.score(frame, tokens[place] + 1)
        } else {
          best += blank
        }
        sums[state] = best
        steps[offset + state] = step
      }
    }
  }
}
