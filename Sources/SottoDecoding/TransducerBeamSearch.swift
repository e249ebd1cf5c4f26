// Text from a transducer (RNN-T), as audio arrives.

import SottoKernels

/// Beam search for a monotonic transducer (Graves, arXiv 1211.3711; one token a frame at most: Tripathi et al., arXiv 2011.01576):
/// finds the texts with the largest probability, summed over all ways to lay their tokens over the frames, times what the
/// scorers add. Texts that are the same are one hypothesis.
///
/// The model stands on a CTC model, whose log probabilities come with each row: frames in which nothing begins for certain
/// (`certainBlank`, `Onsets`) cost next to nothing, in all others each hypothesis has scores of its own. What the model
/// remembers of a text is computed once, when a text comes into the beam.
///
/// A beam of one is greedy search. What makes no sense is defined as in `CTCBeamSearch`.
public struct TransducerBeamSearch<Scorer: TransducerScorer>: OnsetSearch {
  public var prefixes: PrefixBeam
  private let scorer: Scorer
  var onsets: Onsets
  private var memories: PrefixMemories<Scorer.Prefix>
  /// The row at hand.
  private var heard = Matrix(rows: 0, columns: 0)
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
  }

  public mutating func reset() {
    prefixes.reset()
    onsets.reset()
    memories = PrefixMemories(start: scorer.start)
  }

  public mutating func endText() -> [Hypothesis] {
    let results = prefixes.endText()
    // What is being said goes on, and does not begin again.
    memories = PrefixMemories(start: scorer.start)
    return results
  }

  public mutating func push(_ logProbabilities: Matrix, heard: Matrix) throws {
    try pushRows(logProbabilities, heard: heard, width: scorer.width)
  }

  mutating func hear(_ row: Matrix) { heard = row }

  mutating func take() {
    scorer.score(heard, onsets: onsets.values, after: memories.all(prefixes.beam), into: &scores)
    takeRows(scores.elements)
    memories.remember(prefixes, scorer.extended)
  }
}
