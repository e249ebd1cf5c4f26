// How words are cut into segments that can be read.

import SottoTestSupport
import Testing

@testable import Sotto

@Suite struct SegmentGroupingTests {
  /// Words of 0.3 s, one after another, with `pauses` seconds after the words of these indices.
  static func words(_ text: String, pauses: [Int: Double] = [:]) -> [Word] {
    var time = 0.0
    return text.split(separator: " ").enumerated().map { index, text in
      defer { time += 0.3 + (pauses[index] ?? 0) }
      return Word(text: String(text), start: time, end: time + 0.3, confidence: 1)
    }
  }

  static func texts(_ words: [Word], grouping: SegmentGrouping = .init()) -> [String] {
    grouping.groups(words).map { words[$0].map(\.text).joined(separator: " ") }
  }

  @Test func sentencesAreSegments() {
    let one = "The museum opens at ten in the morning."
    let two = "On Sundays the entrance is free for children!"
    #expect(Self.texts(Self.words("\(one) \(two)")) == [one, two])
    // What is short stays with what follows.
    #expect(Self.texts(Self.words("Yes. No. \(one) \(two)")) == ["Yes. No. \(one)", two])
    #expect(Self.texts([]) == [])
  }

  @Test func longPausesEndSegments() {
    #expect(Self.texts(Self.words("one two three", pauses: [0: 0.9, 1: 1.1])) == ["one two", "three"])
  }

  @Test func longSentencesEndAtCommasOrPauses() {
    let start = Array(repeating: "word", count: 17).joined(separator: " ")  // 84 characters
    #expect(Self.texts(Self.words("\(start), and more of it")) == ["\(start),", "and more of it"])
    #expect(Self.texts(Self.words("\(start) and more", pauses: [16: 0.35])) == [start, "and more"])
    #expect(Self.texts(Self.words("\(start) and more", pauses: [16: 0.25])).count == 1)
    #expect(Self.texts(Self.words("word, \(start) and more")).count == 1)
  }

  /// Whatever is said: no word is lost or moved, and no segment too long unless one word is.
  @Test func keepsAllWordsWithinTheLength() {
    var random = SplitMix(state: 9)
    for _ in 0..<200 {
      let words = (0..<Int.random(in: 0...80, using: &random)).map { index in
        let mark = ["", "", "", ",", "."].randomElement(using: &random) ?? ""
        let length = Int.random(in: 1...(index % 40 == 39 ? 200 : 12), using: &random)
        let start = Double(index) * 0.5
        return Word(
          text: String(repeating: "a", count: length) + mark, start: start,
          end: start + Double.random(in: 0...0.5, using: &random), confidence: 1)
      }
      let groups = SegmentGrouping().groups(words)
      #expect(groups.flatMap { Array($0) } == Array(words.indices) && groups.allSatisfy { !$0.isEmpty })
      for group in groups where group.count > 1 {
        #expect(words[group].reduce(-1) { $0 + $1.text.count + 1 } <= 120)
      }
    }
  }
}
