// Word and character error rates.

/// How a hypothesis compares with a reference, by words and by characters.
public struct WordErrorRate: Sendable, Hashable {
  /// The words that were compared.
  public let reference: [String]
  public let hypothesis: [String]
  public let alignment: Alignment
  public let words: ErrorCounts
  /// Counted over the words joined by single spaces, spaces included.
  public let characters: ErrorCounts

  /// Compares words as they are given.
  public init(reference: [String], hypothesis: [String]) {
    self.reference = reference
    self.hypothesis = hypothesis
    alignment = Alignment(reference: reference, hypothesis: hypothesis)
    words = alignment.counts
    characters =
      Alignment(
        reference: Array(reference.joined(separator: " ").unicodeScalars),
        hypothesis: Array(hypothesis.joined(separator: " ").unicodeScalars)
      ).counts
  }

  /// Compares texts, after the normaliser, or split at white space where there is none.
  public init(reference: String, hypothesis: String, normalizer: TextNormalizer? = TextNormalizer()) {
    func words(_ text: String) -> [String] {
      normalizer?.words(text) ?? text.split(whereSeparator: \.isWhitespace).map(String.init)
    }
    self.init(reference: words(reference), hypothesis: words(hypothesis))
  }
}
