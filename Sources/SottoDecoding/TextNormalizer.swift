// English text brought to one form, so that recognisers are compared by words and not by how they are written.

import Foundation

/// The normaliser that every word error rate of this project is computed with; docs/normalizer.md describes its rules.
///
/// The result is a list of words in lower case: letters with inner apostrophes (`it's`), or numbers in digits
/// (`1469`, `21st`, `1480s`, `3.5`).
public struct TextNormalizer: Sendable {
  public init() {}

  /// The words of `text`, in order; empty for text without letters and digits.
  public func words(_ text: String) -> [String] {
    var tokens = Tokenizer.tokens(of: text)
    tokens = Abbreviations.expand(tokens)
    tokens = NumberWords.toDigits(tokens)
    tokens = Self.joinMoney(tokens)
    return tokens.lazy.map(\.text)
      .filter { !Self.fillers.contains($0) }
      .map(SpellingVariants.american)
  }

  /// The words joined by single spaces.
  public func callAsFunction(_ text: String) -> String { words(text).joined(separator: " ") }

  /// Sounds that some transcripts write down and others leave out.
  private static let fillers: Set<String> = ["uh", "um", "uhm", "hm", "hmm", "mm", "mhm", "erm"]

  /// "5 dollars and 50 cents" becomes "5 dollars 50 cents", the form that "$5.50" takes.
  private static func joinMoney(_ tokens: [Token]) -> [Token] {
    let wholes: Set = ["dollar", "dollars", "pound", "pounds", "euro", "euros"]
    let parts: Set = ["cent", "cents", "penny", "pence"]
    return tokens.indices.filter { index in
      guard tokens[index].text == "and", index >= 1, index + 2 < tokens.count else { return true }
      return !(wholes.contains(tokens[index - 1].text) && parts.contains(tokens[index + 2].text))
    }.map { tokens[$0] }
  }
}
