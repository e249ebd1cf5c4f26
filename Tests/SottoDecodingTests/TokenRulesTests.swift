// Which tokens may follow which.

import Testing

@testable import SottoDecoding

@Suite struct TokenRulesTests {
  /// Text 0...5, end 6, start 7, no timestamps 8, timestamps 9...20.
  static let size = 21
  static let text = Set(0...5)
  static let end = 6
  static let first = 9

  static func rules(timestamps: Bool) -> TokenRules {
    TokenRules(
      endOfText: end, noTimestamps: 8, firstTimestamp: first, suppressed: [7, -1, 1_000_000],
      suppressedAtStart: [0, end], usesTimestamps: timestamps)
  }

  /// The tokens that remain where each has the same score, but text `advantage` more.
  static func allowed(_ rules: TokenRules, after tokens: [Int], advantage: Float = 10) -> Set<Int> {
    var scores = (0..<size).map { $0 < first ? advantage : 0 }
    scores.withUnsafeMutableBufferPointer { rules.apply(to: $0, after: tokens) }
    return Set(scores.indices.filter { scores[$0] > -.infinity })
  }

  @Test func withoutTimestamps() {
    let rules = Self.rules(timestamps: false)
    #expect(Self.allowed(rules, after: []) == Set(1...5))
    #expect(Self.allowed(rules, after: [3]) == Self.text.union([Self.end]))
    #expect(Self.allowed(rules, after: [3], advantage: -10) == Self.text.union([Self.end]))
  }

  @Test func timestampsComeInPairsAndGoForward() {
    var rules = Self.rules(timestamps: true)
    rules.latestStart = 3
    let textOrEnd = Self.text.union([Self.end])
    // First an early timestamp, however likely text is.
    #expect(Self.allowed(rules, after: []) == [9, 10, 11, 12])
    #expect(Self.allowed(rules, after: [9]) == textOrEnd)
    #expect(Self.allowed(rules, after: [9, 0]) == textOrEnd.union(10...20))
    #expect(Self.allowed(rules, after: [10, 0, 1]) == textOrEnd.union(11...20))
    // After text and a timestamp: its pair, the same or later, or the end.
    #expect(Self.allowed(rules, after: [9, 0, 12]) == Set([Self.end]).union(12...20))
    #expect(Self.allowed(rules, after: [9, 0, 12, 12]) == textOrEnd)
    #expect(Self.allowed(rules, after: [9, 0, 12, 14, 3]) == textOrEnd.union(15...20))
  }

  @Test func aTextThatHasToGoOn() {
    var rules = Self.rules(timestamps: true)
    rules.leastTokens = 3
    // However much likelier an end is.
    #expect(Self.allowed(rules, after: [9, 0], advantage: -10) == Self.text)
    #expect(Self.allowed(rules, after: [9, 0, 1], advantage: -10) == Set(10...20))
  }

  @Test func nothingEndsAfterTheAudio() {
    var rules = Self.rules(timestamps: true)
    rules.latestEnd = 4
    #expect(Self.allowed(rules, after: [9, 0]).subtracting(0..<Self.first) == [10, 11, 12, 13])
    rules.latestEnd = 0
    #expect(Self.allowed(rules, after: []) == [9, 10])
  }

  /// Eleven timestamps of score 0 have log 11 = 2.4 together.
  @Test func timestampsTogetherOutweighText() {
    let rules = Self.rules(timestamps: true)
    #expect(Self.allowed(rules, after: [9, 0], advantage: 2.3) == Set(10...20))
    #expect(Self.allowed(rules, after: [9, 0], advantage: 2.5).isSuperset(of: Self.text))
  }

  @Test func runsDoNotComeTwice() {
    var rules = Self.rules(timestamps: false)
    rules.uniqueRun = 3
    #expect(Self.allowed(rules, after: [0, 1, 2, 3, 0, 1]) == [0, 1, 3, 4, 5, Self.end])
    // Timestamps between the tokens change nothing.
    #expect(Self.allowed(rules, after: [0, 1, 9, 2, 3, 0, 10, 1]) == [0, 1, 3, 4, 5, Self.end])
    #expect(Self.allowed(rules, after: [2, 2]) == Self.text.union([Self.end]))
    #expect(Self.allowed(rules, after: [2, 2, 2]) == [0, 1, 3, 4, 5, Self.end])
    #expect(Self.allowed(rules, after: [1, 2]) == Self.text.union([Self.end]))
  }

  /// Models from outside may order their tokens in any way, or have no timestamps.
  @Test func anyVocabularyDoesNoHarm() {
    for ids in [(0, 0, 0), (20, 0, 1), (5, 20, 20), (0, 3, 21)] {
      let rules = TokenRules(
        endOfText: ids.0, noTimestamps: ids.1, firstTimestamp: ids.2, suppressed: [], suppressedAtStart: [],
        usesTimestamps: true)
      for tokens in [[], [20], [0, 20], [20, 0], [0, 0, 20, 20], [2, 1]] {
        #expect(Self.allowed(rules, after: tokens).count < Self.size)
      }
    }
  }
}
