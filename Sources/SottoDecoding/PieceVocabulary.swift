// Word pieces: the tokens of the streaming models.

/// The pieces of a SentencePiece vocabulary (Kudo and Richardson, arXiv 1808.06226), token 0 first. "▁" begins a word.
public struct PieceVocabulary: Sendable {
  /// U+2581, which stands for the space before a word.
  public static let wordMark: Character = "▁"

  public let pieces: [String]
  /// Logarithms of the pieces' probabilities; nil where a text is cut into as few pieces as possible.
  public let scores: [Float]?

  private let tokens: [String: Int]
  private let longest: Int
  private let unknownScore: Float
  /// Whether a word begins with a token.
  private let wordStarts: [Bool]

  /// - Throws: `DecodingError.pieces` where there are none, where one is empty or there twice, or where the scores are not as
  ///   many or not finite.
  public init(pieces: [String], scores: [Float]? = nil) throws {
    if pieces.isEmpty { throw DecodingError.pieces(reason: "it is empty") }
    var tokens: [String: Int] = [:]
    for (token, piece) in pieces.enumerated() {
      if piece.isEmpty { throw DecodingError.pieces(reason: "piece \(token) is empty") }
      if let first = tokens.updateValue(token, forKey: piece) {
        throw DecodingError.pieces(reason: "pieces \(first) and \(token) are both “\(piece)”")
      }
    }
    if let scores {
      guard scores.count == pieces.count else {
        throw DecodingError.pieces(reason: "there are \(scores.count) scores for \(pieces.count) pieces")
      }
      if let bad = scores.firstIndex(where: { !$0.isFinite }) {
        throw DecodingError.pieces(reason: "the score of piece \(bad) is \(scores[bad])")
      }
    }
    self.pieces = pieces
    self.scores = scores
    self.tokens = tokens
    longest = pieces.map(\.count).max() ?? 0
    wordStarts = pieces.map { $0.first == Self.wordMark }
    // As in SentencePiece: worse than any piece, so that as little as possible is left out.
    unknownScore = (scores?.min() ?? -Float(longest)) - 10
  }

  public var size: Int { pieces.count }

  /// Whether a word begins with `token`.
  public func beginsWord(_ token: Int) -> Bool { wordStarts.indices.contains(token) && wordStarts[token] }

  // MARK: Tokens to text

  /// The text of tokens together, words separated by single spaces. Tokens out of range are left out.
  public func text(_ tokens: some Sequence<Int>) -> String {
    words(Array(tokens)).map(\.text).joined(separator: " ")
  }

  /// Cuts tokens into words. Text before the first "▁" is a word too, for what was before it may have been committed.
  public func words(_ tokens: [Int]) -> [TokenWord] {
    let starts = tokens.indices.filter { $0 == 0 || beginsWord(tokens[$0]) }
    return zip(starts, starts.dropFirst() + [tokens.count]).compactMap { start, end in
      let joined = tokens[start..<end].map { pieces.indices.contains($0) ? pieces[$0] : "" }.joined()
      let text = joined.split(separator: Self.wordMark).joined(separator: " ")
      return text.isEmpty ? nil : TokenWord(text: text, tokens: start..<end)
    }
  }

  // MARK: Text to tokens

  /// The tokens of `text` as it is spoken (`SpokenForm`). What no piece can spell is left out.
  public func tokens(_ text: String) -> [Int] { SpokenForm.words(text).flatMap { tokens(word: $0) } }

  /// The tokens of a word in the form of the pieces, without its "▁": of all ways to cut it the one with the largest sum
  /// of scores (Kudo, arXiv 1804.10959), or else with the fewest pieces, long ones first.
  func tokens(word: String) -> [Int] {
    let letters = [Self.wordMark] + Array(word)
    // best[i]: of the ways to cut the letters from i on, the best score, and the length and token of its first piece.
    var best = [(score: Float, length: Int, token: Int?)](repeating: (0, 1, nil), count: letters.count + 1)
    for start in letters.indices.reversed() {
      best[start] = (unknownScore + best[start + 1].score, 1, nil)
      for length in 1...max(longest, 1) where start + length <= letters.count {
        guard let token = tokens[String(letters[start..<(start + length)])] else { continue }
        let score = (scores?[token] ?? -1) + best[start + length].score
        if score >= best[start].score { best[start] = (score, length, token) }
      }
    }
    var result: [Int] = []
    var place = 0
    while place < letters.count {
      if let token = best[place].token { result.append(token) }
      place += best[place].length
    }
    // A mark alone is no word.
    return result.allSatisfy { pieces[$0] == String(Self.wordMark) } ? [] : result
  }
}
