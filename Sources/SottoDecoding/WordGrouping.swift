// Words from tokens.

/// A word as a run of tokens.
public struct TokenWord: Sendable, Hashable {
  /// The text, without the space before it.
  public var text: String
  /// Which of the tokens.
  public var tokens: Range<Int>
}

extension Vocabulary {
  /// Cuts tokens into words: a token that begins with a space begins a word. Where the bytes of a character are spread
  /// over tokens, these stay together.
  public func words(_ tokens: [Int]) -> [TokenWord] {
    var starts: [Int] = []
    for (index, token) in tokens.enumerated() where index == 0 || bytes(of: token).first == UInt8(ascii: " ")
    {
      starts.append(index)
    }
    return zip(starts, starts.dropFirst() + [tokens.count]).compactMap { start, end in
      let text = text(tokens[start..<end])
      let trimmed = text.drop(while: \.isWhitespace)
      return trimmed.isEmpty ? nil : TokenWord(text: String(trimmed), tokens: start..<end)
    }
  }
}
