// Text from a model of monotonic chunkwise attention (MoChA), as audio arrives.

import SottoKernels

/// Beam search for monotonic attention (Chiu and Raffel, arXiv 1712.05382), row by row: each text stops in the row, with the
/// probability p, and says one token there, or goes on to the next row. Finds the texts with the largest probability, summed over
/// all ways to choose the rows, times what the scorers add:
///
///     no stop: log(1 - p)      a token: log p + log-probability of the token
///
/// The model stands on a CTC model, whose log probabilities come with each row: where nothing begins for certain (`certainBlank`,
/// `Onsets`) nothing can be said, so that there are no words without sound, and at most one token is said in a row.
///
/// A beam of one is greedy search as in the paper: a stop wherever p is above one half, and there the likeliest token. What
/// makes no sense is defined as in `CTCBeamSearch`; where scorers take back what they added, a beam of one goes on by its sums.
public struct MoChABeamSearch<Scorer: MonotonicScorer>: OnsetSearch {
  public var prefixes: PrefixBeam
  private let scorer: Scorer
  var onsets: Onsets
  private var memories: PrefixMemories<Scorer.Prefix>
  private var past: Scorer.Past
  private var scores = Matrix(rows: 0, columns: 0)

  /// - Parameter pieces: size of the vocabulary, without the blank.
  public init(
    _ scorer: Scorer, pieces: Int, options: StreamingSearchOptions = .init(),
    scorers: [any FusionScorer] = []
  ) {
    self.scorer = scorer
    prefixes = PrefixBeam(pieces: pieces, options: options, scorers: scorers, topology: .transducer)
    onsets = Onsets(classes: prefixes.pieces + 1)
    memories = PrefixMemories(start: scorer.start)
    past = scorer.silence
  }

  public mutating func reset() {
    prefixes.reset()
    onsets.reset()
    memories = PrefixMemories(start: scorer.start)
    past = scorer.silence
  }

  public mutating func endText() -> [Hypothesis] {
    let results = prefixes.endText()
    // What was heard stays in sight; what is being said does not begin again.
    memories = PrefixMemories(start: scorer.start)
    return results
  }

  public mutating func push(_ logProbabilities: Matrix, heard: Matrix) throws {
    try pushRows(logProbabilities, heard: heard, width: scorer.width)
  }

  mutating func hear(_ row: Matrix) { scorer.hear(row, &past) }

  mutating func take() {
    let texts = memories.all(prefixes.beam)
    let odds = scorer.stops(past, onsets: onsets.values, after: texts)
    let isHard = options.pruning.beam == 1 && !prefixes.scorers.contains { $0.takesBack }
    if isHard, let odds = odds.first, odds <= 0 { return prefixes.takeBlank(logProbability(-softplus(odds))) }
    scorer.score(past, onsets: onsets.values, after: texts, into: &scores)
    var rows: [Float] = []
    rows.reserveCapacity(texts.count * (pieces + 1))
    scores.withUnsafeElements { scores in
      for (place, odds) in odds.enumerated() {
        rows.append(isHard ? -.infinity : -softplus(odds))
        let stop = -softplus(-odds)
        for token in 0..<pieces { rows.append(stop + scores[place * pieces + token]) }
      }
    }
    takeRows(rows)
    memories.remember(prefixes, scorer.extended)
  }
}

/// log(1 + exp(x)): -softplus(-x) is the logarithm of a probability with the log-odds x, -softplus(x) that of its opposite.
private func softplus(_ x: Float) -> Float { max(x, 0) + logarithm(1 + exponential(-abs(x))) }
