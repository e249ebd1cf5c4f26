// Words that are written twice and were said once.

import Testing

@testable import Sotto

@Suite struct RepeatedWordTests {
  /// A token a word; each word takes as long as the time of its sentence says.
  private static func reading(_ sentences: [(text: String, seconds: Double)]) -> ChunkDecoder.Reading {
    var reading = ChunkDecoder.Reading(tokens: [], scores: [])
    var time = 0.0
    for sentence in sentences {
      let words = sentence.text.split(separator: " ")
      for word in words {
        let end = time + sentence.seconds / Double(words.count)
        reading.words.append(Word(text: String(word), start: time, end: end, confidence: 1))
        reading.scores.append(Float(reading.tokens.count))
        reading.tokens.append(reading.tokens.count)
        time = end
      }
    }
    return reading
  }

  private static func kept(_ sentences: [(text: String, seconds: Double)]) -> [Int] {
    var reading = reading(sentences)
    reading.dropRepetitions(reading.tokens.map { $0..<($0 + 1) })
    #expect(reading.words.count == reading.tokens.count)
    #expect(reading.scores == reading.tokens.map(Float.init))
    return reading.tokens
  }

  @Test func whatHasNoTimeIsDropped() {
    #expect(
      Self.kept([("The page is blue.", 1), ("the page is blue", 0.1), ("So it is.", 0.5)]) == [
        0, 1, 2, 3, 8, 9, 10,
      ])
    #expect(Self.kept([("The page is blue.", 0.1), ("the page is blue", 1)]) == [4, 5, 6, 7])
    #expect(
      Self.kept([("a b c blue", 1), ("a b c blue", 0), ("a b c blue", 0), ("d", 1)]) == [0, 1, 2, 3, 12])
  }

  @Test func whatWasSaidTwiceStays() {
    #expect(Self.kept([("The page is blue.", 1), ("The page is blue.", 0.8)]).count == 8)
    #expect(Self.kept([("no no no", 0.1), ("no no no", 0.1)]).count == 6)
    #expect(Self.kept([("The page is blue.", 0.1), ("The page is red.", 0.1)]).count == 8)
    #expect(Self.kept([("blue", 0)]).count == 1)
    #expect(Self.kept([]).isEmpty)
  }
}
