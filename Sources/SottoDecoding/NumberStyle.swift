// Numbers of a text as words or as digits, whatever the model wrote.

/// How numbers are written.
public enum NumberStyle: String, Sendable, Hashable, Codable, CaseIterable {
  case words, digits

  /// `text` with its numbers written this way. As in most books, numbers below ten stay words where they stand alone: "one of them".
  public func apply(to text: String) -> String {
    let words = text.split(separator: " ").map(MarkedWord.init)
    return (self == .digits ? Self.toDigits(words) : words.map(Self.inWords)).joined(separator: " ")
  }

  private static func toDigits(_ words: [MarkedWord]) -> [String] {
    var result: [String] = []
    var start = 0
    while start < words.count {
      // A mark ends a number: "nineteen, twenty" are two.
      let end = words[start...].firstIndex { !$0.after.isEmpty }.map { $0 + 1 } ?? words.count
      let tokens = words[start..<end].flatMap { word in
        word.core.lowercased().split(separator: "-").map { Token(text: String($0)) }
      }
      guard let number = NumberWords.number(at: 0, of: tokens), words[start].before.allSatisfy({ $0 != "-" }),
        let count = Self.wordCount(words[start..<end], tokens: number.next)
      else {
        result.append(words[start].text)
        start += 1
        continue
      }
      let said = words[start..<(start + count)]
      let isSmall = count == 1 && number.text.prefix(while: \.isNumber).count == 1
      result.append(
        isSmall ? words[start].text : words[start].before + number.text + (said.last?.after ?? ""))
      start += count
    }
    return result
  }

  /// How many words so many tokens are; nil where they end within one.
  private static func wordCount(_ words: ArraySlice<MarkedWord>, tokens: Int) -> Int? {
    var rest = tokens
    for (index, word) in words.enumerated() {
      if rest == 0 { return index }
      rest -= word.core.split(separator: "-").count
      if rest < 0 { return nil }
    }
    return rest == 0 ? words.count : nil
  }

  private static func inWords(_ word: MarkedWord) -> String {
    let plain = word.core.filter { $0 != "," }
    guard SpokenNumber.isNumber(plain), !word.before.contains(where: \.isCurrencySymbol) else {
      return word.text
    }
    // Digits in groups of three are no year.
    let grouped = plain == word.core ? nil : Int(plain).map(SpokenNumber.cardinal)
    return word.before + (grouped ?? SpokenNumber.words(plain)).joined(separator: " ") + word.after
  }
}

/// A word and the marks around it.
private struct MarkedWord {
  var before: String
  var core: String
  var after: String
  var text: String { before + core + after }

  init(_ text: Substring) {
    func isInner(_ character: Character) -> Bool { character.isLetter || character.isNumber }
    let before = text.prefix { !isInner($0) }
    let rest = text.dropFirst(before.count)
    let end = rest.lastIndex(where: isInner).map(rest.index(after:)) ?? rest.startIndex
    (self.before, core, after) = (String(before), String(rest[..<end]), String(rest[end...]))
  }
}
