// Biasing against what it means: the phrases that a finished text holds, found by looking for them.

import SottoKernels
import SottoTestSupport
import Testing

@testable import SottoDecoding

/// Rewards by definition: from the left, where a word begins, the longest phrase that ends where a word ends. Where
/// `repetitions` is false, a phrase right after itself earns nothing.
struct PhraseScan {
  var phrases: [(bytes: [UInt8], reward: Float)]
  var repetitions = false

  func callAsFunction(_ text: some Sequence<UInt8>) -> Float {
    let text = Array(text)
    func isMark(_ place: Int) -> Bool {
      let character = Character(Unicode.Scalar(text[place]))
      return !character.isLetter && !character.isNumber
    }
    var sum: Float = 0
    var place = 0
    var last: [UInt8]?
    while place < text.count {
      let found = phrases.filter { phrase in
        let end = place + phrase.bytes.count
        return (place == 0 || isMark(place - 1)) && text[place...].starts(with: phrase.bytes)
          && (end == text.count || isMark(end))
      }.max { ($0.bytes.count, $0.reward) < ($1.bytes.count, $1.reward) }
      if let found {
        if repetitions || found.bytes != last { sum += found.reward }
        last = found.bytes
      } else if !isMark(place) {
        last = nil
      }
      place += found?.bytes.count ?? 1
    }
    return sum
  }
}

@Suite struct ContextBiasTests {
  static func vocabulary(_ tokens: [String]) throws -> Vocabulary {
    var offsets: [UInt32] = [0]
    for token in tokens { offsets.append(offsets[offsets.count - 1] + UInt32(token.utf8.count)) }
    return try #require(Vocabulary(bytes: tokens.flatMap { Array($0.utf8) }, offsets: offsets))
  }

  static func bias(_ phrases: [BiasPhrase], weight: Float = 1, _ tokens: [String]) throws -> ContextBias {
    try ContextBias(
      BiasList(phrases, weight: weight), vocabulary: vocabulary(tokens), textTokens: tokens.count)
  }

  /// What is added to tokens that are a whole text.
  static func sum(_ bias: ContextBias, _ tokens: [Int]) -> Float {
    var (sum, state): (Float, UInt64) = (0, bias.start)
    for token in tokens {
      let (score, next) = bias.advance(state, by: token)
      (sum, state) = (sum + score, next)
    }
    return sum + bias.finish(state)
  }

  /// Whatever began and failed, the sum is to the last bit that of the phrases in the text; at each moment what may be taken
  /// back is what a text that ends here does not earn.
  @Test(arguments: 1...60) func sumsAreThoseOfThePhrases(seed: UInt64) {
    var random = SplitMix(state: seed)
    let letters = Array("aab -".utf8)
    func word(_ most: Int) -> [UInt8] {
      (0...Int.random(in: 0..<most, using: &random)).map { _ in letters[Int(random.next() % 5)] }
    }
    var trie = PhraseTrie()
    var scan = PhraseScan(phrases: [], repetitions: true)
    for index in 1...Int(1 + seed % 12) {
      let phrase = word(6)
      let reward = Float(index * 37 % 11 + 1) * 0.37
      trie.insert(phrase, reward: reward)
      scan.phrases.append((phrase, PhraseTrie.rounded(reward)))
    }
    trie.link()
    for _ in 0..<40 {
      let text = word(30)
      var (sum, node): (Float, Int32) = (0, PhraseTrie.open)
      for (count, byte) in zip(1..., text) {
        let step = trie.step(node, byte)
        (sum, node) = (sum + step.score, step.node)
        let here = trie.nodes[Int(node)]
        #expect(sum - here.earned + here.settled == scan(text.prefix(count)))
      }
    }
  }

  static let tokens = [
    " N", "gu", "yen", " nguyen", " Nguyen", "Nguyen", "n", "g", "u", "y", "e", "s", "'s", ".", " ", " is",
    "-",
    " n", " NGU", "",
  ]

  @Test func everySpellingEarnsTheSame() throws {
    let bias = try Self.bias([BiasPhrase("Nguyen", weight: 2)], weight: 1.5, Self.tokens)
    func sum(_ spelled: String...) throws -> Float {
      Self.sum(bias, try spelled.map { try #require(Self.tokens.firstIndex(of: $0)) })
    }
    // One token is enough for it.
    for spelled in [
      try sum(" Nguyen"), try sum("Nguyen"), try sum(" N", "gu", "yen"), try sum(" NGU", "yen"),
      try sum(" n", "g", "u", "y", "e", "n", "."), try sum(" is", " nguyen", "'s"),
      try sum(" is", "-", "Nguyen"),
    ] { #expect(spelled == 3) }
    // A word that goes on, one that begins before, one that breaks off, and one cut in two.
    for other in [
      try sum(" nguyen", "s"), try sum("s", "Nguyen"), try sum(" N", "gu"), try sum(" N", "gu", " ", "yen"),
      try sum(" N", "gu", "", "yen"), try sum(),
    ] { #expect(other == 0) }
    // Once is enough, until something else was said. Tokens that there are not are marks between texts.
    #expect(try sum(" nguyen", " Nguyen", "-", "Nguyen", ".", " N", "gu", "yen") == 3)
    #expect(try sum(" nguyen", " is", " nguyen") == 6)
    #expect(try sum(" nguyen", " nguyen", "s", " N", "gu", " nguyen") == 6)
    #expect(try sum(" nguyen", "", "Nguyen") == 6)
    #expect(Self.sum(bias, [4, 99, -1, 4]) == 6)
  }

  @Test func shortPhrasesWithinLongOnes() throws {
    let tokens = [" new", " york", " city", " hall", " is"]
    let bias = try Self.bias(
      [BiasPhrase("New York"), BiasPhrase("new york city hall"), BiasPhrase("city", weight: 5)], tokens)
    #expect(Self.sum(bias, [0, 1, 4]) == 2)
    #expect(Self.sum(bias, [0, 1, 2, 3]) == 4)
    #expect(Self.sum(bias, [0, 1, 2, 4]) == 2 + 5)
    #expect(Self.sum(bias, [0, 2]) == 5)
    #expect(Self.sum(bias, [0, 0, 1]) == 2)
  }

  @Test func lettersBeyondAscii() throws {
    let tokens = [" \u{C9}", "cole", " \u{E9}", " e", "\u{2014}", "\u{E9}", " caf", "e"]
    let bias = try Self.bias([BiasPhrase("\u{C9}cole"), BiasPhrase("caf\u{E9}")], tokens)
    for spelled in [[0, 1], [2, 1], [3, 1, 4], [4, 5, 1], [6, 5], [6, 7]] {
      #expect(Self.sum(bias, spelled) == 2, "\(spelled)")
    }
    #expect(Self.sum(bias, [6, 7, 5]) == 0)
  }

  /// Every token after which a phrase is under way is among those that searches try.
  @Test(arguments: 1...10) func whatHelpsIsFavoured(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    func word(_ most: Int) -> String {
      String((0...Int.random(in: 0..<most, using: &random)).map { _ in random.next() % 2 == 0 ? "a" : "b" })
    }
    var tokens = ["a", "b", " a", " b"]
    for _ in 0..<20 {
      let token = (random.next() % 2 == 0 ? " " : "") + word(4)
      if !tokens.contains(token) { tokens.append(token) }
    }
    let bias = try Self.bias((0..<6).map { _ in BiasPhrase(word(6)) }, tokens)
    var helpful = 0
    for _ in 0..<50 {
      var state = bias.start
      for _ in 0..<4 {
        var favoured: [Int] = []
        bias.appendFavoured(in: state, to: &favoured)
        for token in tokens.indices where bias.tentative(bias.advance(state, by: token).state) > 0 {
          helpful += 1
          #expect(favoured.contains(token))
        }
        state = bias.advance(state, by: Int.random(in: 0..<tokens.count, using: &random)).state
      }
    }
    #expect(helpful > 100)
  }

  // MARK: Lists

  @Test func files() throws {
    let text = """
      \u{FEFF}# names
      Aldermere Quay\r
        Nguyen : 2.5

      Mission: Impossible
      ratio 3:2\t4
      plain\t
      """
    #expect(
      try BiasList.phrases(inFile: text.utf8) == [
        BiasPhrase("Aldermere Quay"), BiasPhrase("Nguyen", weight: 2.5), BiasPhrase("Mission: Impossible"),
        BiasPhrase("ratio 3:2", weight: 4), BiasPhrase("plain"),
      ])
    #expect(try BiasList.phrases(inFile: []).isEmpty)
  }

  @Test(arguments: [
    ("a\nb\tmuch\n", 2, "much"), ("a: 0", 1, "weight"), ("#\n\n...\n", 3, "letters"), ("a:nan", 1, "weight"),
    ("a\tinf", 1, "weight"), (String(repeating: "ab", count: 51), 1, "102"), ("a\n\u{1}b", 2, "control"),
    ("a: -1", 1, "weight"),
  ]) func damagedFiles(text: String, line: Int, reason: String) {
    let error = #expect(throws: DecodingError.self) { try BiasList.phrases(inFile: text.utf8) }
    guard case .biasFile(line, let told) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(told.contains(reason))
  }

  @Test func whatIsNoText() {
    #expect(throws: DecodingError.biasFile(line: 2, reason: "it is not text in UTF-8")) {
      try BiasList.phrases(inFile: [97, 10, 0xFF, 0xFE])
    }
  }

  @Test func phrasesThatCannotBeUsed() throws {
    let pieces = try PieceVocabulary(pieces: ["▁a", "b"])
    #expect(throws: DecodingError.self) { try ContextBias(BiasList([BiasPhrase("abc")]), vocabulary: pieces) }
    for list in [
      BiasList([BiasPhrase("a")], weight: 0), BiasList([BiasPhrase("a", weight: -1)]),
      BiasList([BiasPhrase("")]),
      BiasList([BiasPhrase("a")], weight: .nan),
    ] {
      #expect(throws: DecodingError.self) { try ContextBias(list, vocabulary: pieces) }
    }
    let nothing = try ContextBias(BiasList(), vocabulary: pieces)
    #expect(Self.sum(nothing, [0, 1, 0, 7]) == 0)
    #expect(nothing.advance(.max, by: 0).score.isFinite)
  }
}
