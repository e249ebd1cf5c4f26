// What a transducer model is to its search.

import SottoKernels

/// Scores what comes next after what was heard and what was said. A prefix is all that the model remembers of the tokens said so
/// far; copies of it are cheap.
public protocol TransducerScorer: Sendable {
  associatedtype Prefix: Sendable

  /// Width of the rows that it hears.
  var width: Int { get }

  /// Before the first token.
  var start: Prefix { get }

  /// Each prefix with one token more.
  func extended(_ prefixes: [(prefix: Prefix, token: Int)]) -> [Prefix]

  /// Writes the log probabilities of what comes after each prefix, [prefixes, pieces + 1], class 0 being nothing and class i + 1
  /// token i.
  ///
  /// - Parameters:
  ///   - heard: one row of what the acoustic model heard, [1, width].
  ///   - onsets: log probabilities of what begins there for CTC, pieces + 1 of them (`Onsets`).
  func score(_ heard: Matrix, onsets: [Float], after prefixes: [Prefix], into scores: inout Matrix)
}
