// Text from the scores of a CTC model, as they arrive.

import SottoKernels

/// Prefix beam search (Hannun, Maas, Jurafsky and Ng, arXiv 1408.2873): finds the texts with the largest probability,
/// summed over all ways to lay their tokens over the frames, times what the scorers add.
///
/// A model of `pieces` tokens gives [frames, pieces + 1] log probabilities; class 0 is the blank, class i + 1 is token i.
/// Blocks of rows may be of any sizes, and no result depends on them. `commit` takes tokens out once they are
/// certain: without it memory grows with the text, with it a stream has no end.
///
/// A beam of one is greedy search: the likeliest class of each frame, repetitions and blanks removed. Where scorers take
/// back what they added, the text goes on by its sums, and what they promise is tried beside it.
///
/// What makes no sense is defined: NaN is a log probability of -∞, one above 0 is 0, and a row that allows nothing
/// changes nothing.
public struct CTCBeamSearch: StreamingSearch {
  public typealias Options = StreamingSearchOptions

  public var prefixes: PrefixBeam

  /// - Parameter pieces: size of the vocabulary, without the blank.
  public init(pieces: Int, options: Options = Options(), scorers: [any FusionScorer] = []) {
    prefixes = PrefixBeam(pieces: pieces, options: options, scorers: scorers, topology: .ctc)
  }

  public mutating func reset() { prefixes.reset() }
  public mutating func endText() -> [Hypothesis] { prefixes.endText() }

  public mutating func push(_ logProbabilities: Matrix, heard: Matrix) throws { try push(logProbabilities) }

  /// Takes the next rows, [rows, pieces + 1].
  ///
  /// - Throws: `DecodingError.classes` where they are not as wide, and takes none of them.
  public mutating func push(_ logProbabilities: Matrix) throws {
    let pieces = pieces
    guard logProbabilities.columns == pieces + 1 else {
      throw DecodingError.classes(got: logProbabilities.columns, needed: pieces + 1)
    }
    let isGreedy = options.pruning.beam == 1 && !prefixes.scorers.contains { $0.takesBack }
    logProbabilities.withUnsafeElements { elements in
      for first in stride(from: 0, to: elements.count, by: pieces + 1) {
        let scores = UnsafeBufferPointer(rebasing: elements[first..<(first + pieces + 1)])
        prefixes.take(scores, isGreedy: isGreedy)
      }
    }
  }
}

extension PrefixBeam {
  fileprivate mutating func take(_ scores: UnsafeBufferPointer<Float>, isGreedy: Bool) {
    if scores[0] >= certainBlank {
      takeBlank(logProbability(scores[0]))
    } else if let best = read(scores) {
      if isGreedy { takeBest(largest: best) } else { take() }
    }
    frames += 1
  }

  /// Takes over a row; the largest log probability in it, nil where there is none.
  private mutating func read(_ scores: UnsafeBufferPointer<Float>) -> Float? {
    var best = -Float.infinity
    rows.withUnsafeMutableBufferPointer { rows in
      for index in rows.indices {
        let score = logProbability(scores[index])
        rows[index] = score
        best = max(best, score)
      }
    }
    return best > -.infinity ? best : nil
  }

  /// A frame of greedy search: the class with the largest score.
  ///
  /// - Parameter largest: the largest score of the row, before what scorers add.
  private mutating func takeBest(largest: Float) {
    guard var live = beam.first else { return }
    let last = tree.token(live.node)
    let mayRepeat = live.token > -.infinity
    let isFused = !scorers.isEmpty || options.insertion != 0
    var best = 0
    var bestScore = rows[0]
    let floor = max(largest - options.tokenMargin, -.greatestFiniteMagnitude)
    for index in rows.indices.dropFirst() where rows[index] >= floor {
      let isNew = isFused && !(index - 1 == last && mayRepeat)
      let score = isNew ? rows[index] + fusion(of: index - 1, after: live.node) : rows[index]
      if score > bestScore { (best, bestScore) = (index, score) }
    }
    guard best > 0 else { return takeBlank(rows[0]) }
    let token = best - 1
    let score = rows[best]
    if token == last && mayRepeat {
      live.token += score
      live.tokenPath.score += score
      if score > live.tokenPath.peak.score { live.tokenPath.peak = TokenPeak(frame: frames, score: score) }
    } else {
      let from = live.best
      let fusion = isFused ? fusion(of: token, after: live.node) : 0
      let node = grow(from: live, by: token)
      tree.setSlot(-1, of: live.node)
      tree.setSlot(0, of: node)
      live.token = live.acoustic + score
      live.blank = -.infinity
      live.fusion += fusion
      live.tokenPath = Path(
        score: from.score + score, peak: TokenPeak(frame: frames, score: score), before: from.peak)
      live.blankPath.score = -.infinity
      live.node = node
    }
    beam[0] = live
    rebase()
  }
}
