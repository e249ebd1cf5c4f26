// Tokens to text and to words.

import Testing

@testable import SottoDecoding

@Suite struct VocabularyTests {
  static func vocabulary(_ tokens: [[UInt8]]) -> Vocabulary? {
    let offsets = tokens.reduce(into: [UInt32(0)]) { $0.append($0[$0.count - 1] + UInt32($1.count)) }
    return Vocabulary(bytes: tokens.flatMap { $0 }, offsets: offsets)
  }

  static func vocabulary(_ tokens: String...) -> Vocabulary? { vocabulary(tokens.map { Array($0.utf8) }) }

  @Test func textOfTokens() throws {
    let vocabulary = try #require(Self.vocabulary(" a", "", "bc", " d"))
    #expect(vocabulary.size == 4)
    #expect(vocabulary.text([0, 2, 1, 3]) == " abc d")
    #expect(vocabulary.text([]) == "" && vocabulary.text([-1, 4, Int.max, Int.min]) == "")
  }

  @Test func charactersOverTokens() throws {
    // é is C3 A9, € is E2 82 AC.
    let vocabulary = try #require(
      Self.vocabulary([[0x20, 0xC3], [0xA9], [0xE2], [0x82], [0xAC], [0x20, 0x61]]))
    #expect(vocabulary.text([0, 1, 2, 3, 4]) == " é€")
    #expect(vocabulary.text([1]) == "\u{FFFD}")
    #expect(
      vocabulary.words([0, 1, 2, 3, 4, 5]) == [
        TokenWord(text: "é€", tokens: 0..<5), TokenWord(text: "a", tokens: 5..<6),
      ])
  }

  @Test func wordsBeginWithSpaces() throws {
    let vocabulary = try #require(Self.vocabulary(" Hello", ",", " wor", "ld", ".", " ", "x"))
    #expect(
      vocabulary.words([0, 1, 2, 3, 4]) == [
        TokenWord(text: "Hello,", tokens: 0..<2), TokenWord(text: "world.", tokens: 2..<5),
      ])
    // The first word may lack its space; spaces alone are no words.
    #expect(
      vocabulary.words([3, 5, 5, 6, 5]) == [
        TokenWord(text: "ld", tokens: 0..<1), TokenWord(text: "x", tokens: 2..<4),
      ])
    #expect(vocabulary.words([]).isEmpty)
    #expect(vocabulary.words([99, 0]) == [TokenWord(text: "Hello", tokens: 1..<2)])
  }

  @Test(
    arguments: [
      [], [0], [0, 2], [1, 3], [0, 2, 1, 3], [0, 4], [0, 4_000_000_000, 3],
    ] as [[UInt32]])
  func badOffsetsAreRefused(offsets: [UInt32]) {
    #expect(Vocabulary(bytes: [1, 2, 3], offsets: offsets) == nil)
  }
}
