// Word pieces to text and back.

import SottoTestSupport
import Testing

@testable import SottoDecoding

@Suite struct PieceVocabularyTests {
  static let pieces = [
    "▁", "▁a", "▁the", "t", "h", "e", "the", "n", "▁then", "'", "s", "a", "▁it", "ty", "y",
  ]

  @Test func tokensToTextAndWords() throws {
    let vocabulary = try PieceVocabulary(pieces: Self.pieces)
    #expect(vocabulary.text([2, 7, 1, 0, 13]) == "then a ty" && vocabulary.size == 15)
    #expect(
      vocabulary.words([7, 12, 9, 10, 0, 0, 5]) == [
        TokenWord(text: "n", tokens: 0..<1), TokenWord(text: "it's", tokens: 1..<4),
        TokenWord(text: "e", tokens: 5..<7),
      ])
    #expect(vocabulary.text([]) == "" && vocabulary.text([0, 99, -1, Int.min]) == "")
    #expect(vocabulary.beginsWord(0) && vocabulary.beginsWord(8) && !vocabulary.beginsWord(6))
    #expect(!vocabulary.beginsWord(15) && !vocabulary.beginsWord(-1))
  }

  @Test func badPiecesAreRefused() {
    let cases: [(pieces: [String], scores: [Float]?)] = [
      ([], nil), (["a", ""], nil), (["a", "b", "a"], nil), (["a"], []), (["a", "b"], [0, .nan]),
    ]
    for (pieces, scores) in cases {
      #expect(throws: DecodingError.self) { try PieceVocabulary(pieces: pieces, scores: scores) }
    }
  }

  @Test func fewestPiecesLongOnesFirst() throws {
    let vocabulary = try PieceVocabulary(pieces: Self.pieces)
    #expect(vocabulary.tokens("Then, the net!") == [8, 2, 0, 7, 5, 3])
    #expect(vocabulary.tokens("it’s") == [12, 9, 10])
    // What cannot be spelled is left out, as a letter or as a word.
    #expect(vocabulary.tokens("theqn xx 日本 the") == [2, 7, 2])
    #expect(vocabulary.tokens("") == [] && vocabulary.tokens(" ?! ") == [])
    #expect(vocabulary.tokens("30") == vocabulary.tokens("thirty"))
  }

  /// The largest sum of scores of all ways to cut a word.
  @Test(arguments: 1...30) func cutsByScore(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let scores = Self.pieces.map { _ in Float(random.nextUnit()) * 4 - 5 }
    let vocabulary = try PieceVocabulary(pieces: Self.pieces, scores: scores)
    func best(_ rest: Substring) -> Float? {
      if rest.isEmpty { return 0 }
      return zip(Self.pieces, scores).compactMap { piece, score in
        rest.hasPrefix(piece) ? best(rest.dropFirst(piece.count)).map { $0 + score } : nil
      }.max()
    }
    for word in ["the", "then", "thethe", "at", "it's", "tyythen", "a"] {
      let tokens = vocabulary.tokens(word: word)
      #expect(vocabulary.text(tokens) == word)
      let expected = try #require(best("▁" + word))
      #expect(abs(tokens.reduce(0) { $0 + scores[$1] } - expected) < 1e-5)
    }
  }

  /// The words that num2words 0.5.14 and the texts of training have, without hyphens and commas.
  @Test(
    arguments: [
      ("In 1469 and 1,469 men;", "in fourteen sixty nine and one thousand four hundred and sixty nine men"),
      (
        "1905, 2005, 2010, 1900, 2000, 2100",
        "nineteen oh five two thousand and five twenty ten nineteen hundred two thousand two thousand one hundred"
      ),
      ("21st 40th 12th 103rd 1000th", "twenty first fortieth twelfth one hundred and third one thousandth"),
      ("0 7 13 342 1001", "zero seven thirteen three hundred and forty two one thousand and one"),
      (
        "1,234,567",
        "one million two hundred and thirty four thousand five hundred and sixty seven"
      ),
      ("Mr. Smith's dog, Dr. O'Neil", "mister smith's dog doctor o'neil"),
      ("U.S. Army, 9:30 a.m. or 10:00", "u s army nine thirty a m or ten"),
      ("the 1480s, 3.5 and 9:05", "the fourteen eighties three point five and nine oh five"),
      ("$5 & 20%, mp3 007", "five dollars and twenty percent mp three zero zero seven"),
      ("rock 'n' roll it’s Naïve — well-known", "rock n roll it's naive well known"),
      ("…", ""),
    ])
  func spokenForm(text: String, spoken: String) {
    #expect(SpokenForm.words(text).joined(separator: " ") == spoken)
  }

  /// Any number is spoken, and the normaliser finds the same digits in the words.
  @Test func numbersAndBack() {
    var random = SplitMix(state: 1)
    for _ in 0..<500 {
      let value = Int.random(in: 0..<1_000_000_000, using: &random) >> Int.random(in: 0..<30, using: &random)
      let words = SpokenForm.words(String(value)).joined(separator: " ")
      #expect(TextNormalizer()(words) == String(value), "\(words)")
    }
    for digits in ["99999999999999999999999", "0000000000000000000000", "1,2,3", "1,,000", ".5", "1."] {
      #expect(!SpokenForm.words(digits).isEmpty)
    }
  }
}
