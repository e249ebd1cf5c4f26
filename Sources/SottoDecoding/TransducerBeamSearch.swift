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
public struct TransducerBeamSearch<Scorer: TransducerScorer>: StreamingSearch {
  public var prefixes: PrefixBeam
  private let scorer: Scorer
  private var onsets: Onsets
  /// What the model remembers of each node of the tree.
  private var memories: [Scorer.Prefix]
  private var scores = Matrix(rows: 0, columns: 0)

  /// - Parameter pieces: size of the vocabulary, without the blank.
  public init(
    _ scorer: Scorer, pieces: Int, options: StreamingSearchOptions = .init(),
    scorers: [any FusionScorer] = []
  ) {
    self.scorer = scorer
    prefixes = PrefixBeam(pieces: pieces, options: options, scorers: scorers, topology: .transducer)
    onsets = Onsets(classes: prefixes.pieces + 1)
    memories = [scorer.start]
  }

  public mutating func reset() {
    prefixes.reset()
    onsets.reset()
    memories = [scorer.start]
  }

  public mutating func endText() -> [Hypothesis] {
    let results = prefixes.endText()
    // What is being said goes on, and does not begin again.
    memories = [scorer.start]
    return results
  }

  public mutating func push(_ logProbabilities: Matrix, heard: Matrix) throws {
    let classes = pieces + 1
    guard logProbabilities.columns == classes else {
      throw DecodingError.classes(got: logProbabilities.columns, needed: classes)
    }
    guard heard.columns == scorer.width, heard.rows == logProbabilities.rows else {
      throw DecodingError.heard(
        rows: heard.rows, width: heard.columns, neededRows: logProbabilities.rows, neededWidth: scorer.width)
    }
    for row in 0..<logProbabilities.rows {
      let isPossible = logProbabilities.withUnsafeElements {
        onsets.take(UnsafeBufferPointer(rebasing: $0[(row * classes)..<((row + 1) * classes)]))
      }
      if isPossible {
        if onsets.values[0] >= prefixes.certainBlank {
          prefixes.takeBlank(onsets.values[0])
        } else {
          take(heard.rows(row..<(row + 1)))
        }
      }
      prefixes.frames += 1
    }
  }

  private mutating func take(_ heard: Matrix) {
    let nodes = prefixes.beam.map { Int($0.node) }
    scorer.score(heard, onsets: onsets.values, after: nodes.map { memories[$0] }, into: &scores)
    var isPossible = false
    prefixes.rows = scores.elements.map { value in
      let score = logProbability(value)
      isPossible = isPossible || score > -.infinity
      return score
    }
    guard isPossible else { return }
    prefixes.take()
    remember()
  }

  /// What the model remembers of the texts that came to the tree.
  private mutating func remember() {
    let grown = prefixes.grown
    guard !grown.isEmpty else { return }
    let tree = prefixes.tree
    let longer = scorer.extended(
      grown.map { (memories[Int(tree.parent($0))], tree.token($0)) })
    for (node, memory) in zip(grown, longer) {
      let place = Int(node)
      // Nodes are numbered in the order in which they were first needed.
      while memories.count <= place { memories.append(memory) }
      memories[place] = memory
    }
  }
}
