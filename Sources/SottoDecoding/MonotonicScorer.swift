// What a model of monotonic attention is to its search.

import SottoKernels

/// Tells whether a text goes on in a row, and with which token. A prefix is all that the model remembers of the tokens said so
/// far, the past what it remembers of what was heard; copies are cheap.
public protocol MonotonicScorer: Sendable {
  associatedtype Prefix: Sendable
  associatedtype Past: Sendable

  /// Width of the rows that it hears.
  var width: Int { get }

  /// Before the first token, and before the first row.
  var start: Prefix { get }
  var silence: Past { get }

  /// Each prefix with one token more.
  func extended(_ prefixes: [(prefix: Prefix, token: Int)]) -> [Prefix]

  /// Takes the next row of what the acoustic model heard, [1, width].
  func hear(_ row: Matrix, _ past: inout Past)

  /// Log-odds that the text goes on in the row that was heard last, for each prefix.
  ///
  /// - Parameter onsets: log probabilities of what begins there for CTC, pieces + 1 of them (`Onsets`).
  func stops(_ past: Past, onsets: [Float], after prefixes: [Prefix]) -> [Float]

  /// Writes the log probabilities of each token where the text goes on in that row, [prefixes, pieces].
  func score(_ past: Past, onsets: [Float], after prefixes: [Prefix], into scores: inout Matrix)
}
