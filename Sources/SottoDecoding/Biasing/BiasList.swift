// What a user expects to hear: words and phrases, and how they are written down.

/// A word or phrase that is likelier than the model thinks.
public struct BiasPhrase: Sendable, Hashable {
  /// As it is to be written.
  public var text: String
  /// How much this phrase counts, beside `BiasList.weight`.
  public var weight: Float

  public init(_ text: String, weight: Float = 1) {
    self.text = text
    self.weight = weight
  }
}

/// Phrases to listen for, with the weight of them all.
public struct BiasList: Sendable, Hashable {
  /// Chosen on synthesised sentences with rare names; see docs/biasing.md.
  public static let defaultWeight: Float = 2.5
  /// Weights that make sense: above 0, and no more than this.
  public static let largestWeight: Float = 100
  /// Characters of the longest phrase.
  public static let longestPhrase = 100

  public var phrases: [BiasPhrase]
  /// What a phrase adds to the log probability of a text for each token that it takes, times its own weight.
  public var weight: Float

  public init(_ phrases: [BiasPhrase] = [], weight: Float = BiasList.defaultWeight) {
    self.phrases = phrases
    self.weight = weight
  }

  /// The phrases of a file: one a line, with a weight after a tab or a colon where it is not 1. Empty lines and those that
  /// begin with # say nothing.
  ///
  /// - Throws: `DecodingError.biasFile` naming the line.
  public static func phrases(inFile bytes: some Sequence<UInt8>) throws -> [BiasPhrase] {
    var phrases: [BiasPhrase] = []
    let lines = Array(bytes).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (number, line) in zip(1..., lines) {
      guard var text = String(validating: line, as: UTF8.self) else {
        throw DecodingError.biasFile(line: number, reason: "it is not text in UTF-8")
      }
      if number == 1, text.first == "\u{FEFF}" { text.removeFirst() }
      let trimmed = trimmed(text[...])
      if trimmed.isEmpty || trimmed.first == "#" { continue }
      do {
        phrases.append(try phrase(text))
      } catch DecodingError.biasPhrase(_, let reason) {
        throw DecodingError.biasFile(line: number, reason: reason)
      }
    }
    return phrases
  }

  /// A phrase as it stands on a line, with or without a weight.
  ///
  /// - Throws: `DecodingError.biasPhrase`.
  public static func phrase(_ line: String) throws -> BiasPhrase {
    var text = line[...]
    var weight: Float = 1
    if let tab = text.lastIndex(of: "\t"), tab > text.startIndex, !trimmed(text[..<tab]).isEmpty {
      let number = trimmed(text[text.index(after: tab)...])
      guard number.isEmpty || Float(number) != nil else {
        throw DecodingError.biasPhrase(line, reason: "“\(number)” after the tab is no weight")
      }
      weight = Float(number) ?? 1
      text = text[..<tab]
    } else if let colon = text.lastIndex(of: ":"),
      let number = Float(trimmed(text[text.index(after: colon)...]))
    {
      // Any other colon belongs to the phrase.
      weight = number
      text = text[..<colon]
    }
    let phrase = BiasPhrase(String(trimmed(text)), weight: weight)
    if let reason = phrase.fault { throw DecodingError.biasPhrase(line, reason: reason) }
    return phrase
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text.drop(while: \.isWhitespace)
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return text
  }
}

extension BiasPhrase {
  /// What is wrong with it; nil where nothing is.
  var fault: String? {
    if !text.contains(where: { $0.isLetter || $0.isNumber }) { return "there are no letters or digits in it" }
    if text.contains(where: { $0.unicodeScalars.contains { $0.value < 32 && $0 != "\t" } }) {
      return "there are control characters in it"
    }
    if text.count > BiasList.longestPhrase {
      return "it has \(text.count) characters, more than \(BiasList.longestPhrase)"
    }
    return BiasList.fault(ofWeight: weight)
  }
}

extension BiasList {
  /// What is wrong with a weight; nil where nothing is.
  public static func fault(ofWeight weight: Float) -> String? {
    weight > 0 && weight <= largestWeight
      ? nil : "the weight \(weight) is not above 0 and at most \(Int(largestWeight))"
  }
}
