// Alignment against all paths, and of words whose place is known.

import Foundation
import SottoKernels
import SottoTestSupport
import Testing

@testable import SottoDecoding

@Suite struct ForcedAlignmentTests {
  /// The likeliest path that stands for the tokens, by trying all.
  static func best(_ tokens: [Int], _ scores: Matrix) -> Double {
    var best = -Double.infinity
    CTC.everyPath(scores) { path, total in if CTC.collapsed(path) == tokens { best = max(best, total) } }
    return best
  }

  /// What every alignment must be.
  static func check(_ alignment: ForcedAlignment, _ tokens: [Int], _ scores: Matrix) {
    #expect(alignment.tokens.map(\.token) == tokens)
    var end = 0
    for (index, token) in alignment.tokens.enumerated() {
      let isRepetition = index > 0 && tokens[index - 1] == token.token
      #expect(token.frames.lowerBound >= end + (isRepetition ? 1 : 0) && !token.frames.isEmpty)
      #expect((0...1).contains(token.confidence) && token.score <= 0)
      end = token.frames.upperBound
    }
    #expect(end <= scores.rows)
    // The tokens in their frames and blanks elsewhere are as likely as the alignment says.
    var classes = [Int](repeating: 0, count: scores.rows)
    for token in alignment.tokens { for frame in token.frames { classes[frame] = token.token + 1 } }
    let total = classes.enumerated().reduce(0.0) { $0 + Double(max(scores[$1.offset, $1.element], -30)) }
    #expect(abs(total / Double(scores.rows) - Double(alignment.meanScore)) < 1e-4)
    #expect(alignment.shortfall >= 0)
  }

  @Test(arguments: 1...30) func findsTheLikeliestPath(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let scores = CTC.random(seed, frames: 7, classes: 3, sharpness: 3)
    let tokens = (0..<Int.random(in: 1...4, using: &random)).map { _ in Int.random(in: 0..<2, using: &random)
    }
    let alignment = try ForcedAlignment(tokens, to: scores)
    Self.check(alignment, tokens, scores)
    #expect(abs(Double(alignment.meanScore) * 7 - Self.best(tokens, scores)) < 1e-4)
    // The text of greedy search lacks nothing.
    let greedy = CTC.collapsed(CTC.likeliest(scores))
    if !greedy.isEmpty { #expect(try ForcedAlignment(greedy, to: scores).shortfall < 1e-5) }
  }

  /// Blocks of frames are put together again: long audio, every token where it was said.
  @Test(arguments: [1, 31, 33, 1500]) func longTexts(pause: Int) throws {
    var random = SplitMix(state: UInt64(pause))
    let tokens = (0..<(3000 / (pause + 1) + 2)).map { _ in Int.random(in: 0..<20, using: &random) }
    var classes: [Int] = []
    var places: [Range<Int>] = []
    for token in tokens {
      classes += Array(repeating: 0, count: Int.random(in: 1...pause, using: &random))
      let length = Int.random(in: 1...3, using: &random)
      places.append(classes.count..<(classes.count + length))
      classes += Array(repeating: token + 1, count: length)
    }
    let scores = CTC.saying(classes, of: 21)
    let alignment = try ForcedAlignment(tokens, to: scores)
    #expect(alignment.tokens.map(\.frames) == places)
    #expect(alignment.shortfall < 1e-3 && alignment.tokens.allSatisfy { $0.confidence > 0.98 })
  }

  @Test func textThatIsNotThereGetsALowScore() throws {
    let scores = CTC.saying([0, 1, 0, 2, 0, 3, 0, 0, 0, 0], of: 6)
    let right = try ForcedAlignment([0, 1, 2], to: scores)
    #expect(right.shortfall == 0 && right.tokens.map(\.frames) == [1..<2, 3..<4, 5..<6])
    for wrong in [[4], [3, 4], [0, 1, 2, 0, 1, 2], [0, 0, 0, 0, 0]] {
      let alignment = try ForcedAlignment(wrong, to: scores)
      Self.check(alignment, wrong, scores)
      #expect(alignment.shortfall > 2)
    }
    #expect(throws: DecodingError.nothingToAlign) { try ForcedAlignment([], to: scores) }
    #expect(throws: DecodingError.unknownToken(5, size: 5)) { try ForcedAlignment([0, 5], to: scores) }
    #expect(throws: DecodingError.unknownToken(-1, size: 5)) { try ForcedAlignment([-1], to: scores) }
    #expect(throws: DecodingError.tooFewFrames(got: 10, needed: 11)) {
      try ForcedAlignment([0, 0, 0, 0, 0, 0], to: scores)
    }
    #expect(throws: DecodingError.tooFewFrames(got: 0, needed: 1)) {
      try ForcedAlignment([0], to: Matrix(rows: 0, columns: 6))
    }
    #expect(throws: DecodingError.unknownToken(0, size: 0)) {
      try ForcedAlignment([0], to: Matrix(rows: 4, columns: 0))
    }
  }

  @Test(arguments: [Float.nan, -.infinity, .infinity]) func scoresThatMakeNoSense(bad: Float) throws {
    let tokens = [0, 1, 1, 2]
    var random = SplitMix(state: 5)
    for seed in UInt64(1)...20 {
      var scores = CTC.random(seed, frames: 12, classes: 4)
      for _ in 0..<20 {
        scores[Int.random(in: 0..<12, using: &random), Int.random(in: 0..<4, using: &random)] = bad
      }
      let alignment = try ForcedAlignment(tokens, to: scores)
      #expect(alignment.tokens.map(\.token) == tokens && alignment.meanScore.isFinite)
      #expect(alignment.tokens.allSatisfy { (0...1).contains($0.confidence) })
    }
    let empty = try ForcedAlignment(tokens, to: CTC.matrix(Array(repeating: [bad, bad, bad, bad], count: 9)))
    #expect(empty.tokens.count == 4 && empty.meanScore == 0)
  }

  // MARK: Words

  static let vocabulary = ["▁two", "▁men", "▁left", "▁", "t", "w", "o"]

  /// Pieces with blanks between, at 25 frames a second or so.
  static let scores = CTC.saying(
    [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0, 3, 0, 0, 0, 0, 0, 0], of: 8)

  @Test func wordsAsTheyAreWritten() throws {
    let vocabulary = try PieceVocabulary(pieces: Self.vocabulary)
    let alignment = try WordAlignment(["2", "men", "LEFT!"], vocabulary: vocabulary, to: Self.scores)
    #expect(alignment.words.map(\.text) == ["2", "men", "LEFT!"])
    #expect(alignment.words.map(\.frames) == [3..<10, 14..<18, 18..<24])
    #expect(alignment.words.allSatisfy { ($0.confidence ?? 0) > 0.98 })
    let narrow = try WordAlignment(
      ["2", "men", "LEFT!"], vocabulary: vocabulary, to: Self.scores, reach: WordReach(before: 0, after: 0))
    #expect(narrow.words.map(\.frames) == [5..<6, 16..<18, 19..<20])
  }

  /// The words of a search have the same places as those of the alignment of their text.
  @Test func wordsOfASearch() throws {
    let vocabulary = try PieceVocabulary(pieces: Self.vocabulary)
    var search = CTCBeamSearch(pieces: vocabulary.size)
    try search.push(Self.scores)
    let words = vocabulary.alignedWords(search.best, within: 0..<search.frames)
    #expect(words.map(\.text) == ["two", "men", "left"])
    #expect(words.map(\.frames) == [3..<10, 14..<18, 18..<24])
    #expect(words.allSatisfy { ($0.confidence ?? 0) > 0.98 })
    // Only as far as there is room.
    let tight = vocabulary.alignedWords(search.best, within: 5..<21)
    #expect(tight.first?.frames == 5..<10 && tight.last?.frames.upperBound == 21)
    var unknown = search.best
    unknown.frames = []
    #expect(vocabulary.alignedWords(unknown, within: 0..<9).isEmpty)
  }

  @Test func wordsThatCannotBeSpelledKeepTheirPlace() throws {
    let vocabulary = try PieceVocabulary(pieces: Self.vocabulary)
    let alignment = try WordAlignment(
      ["—", "two", "日本", "…", "men", "§", "left", "†"], vocabulary: vocabulary, to: Self.scores)
    #expect(
      alignment.words.map(\.frames) == [0..<3, 3..<10, 10..<12, 12..<14, 14..<18, 18..<18, 18..<24, 24..<26])
    #expect(
      alignment.words.map { $0.confidence == nil } == [true, false, true, true, false, true, false, true])
    #expect(throws: DecodingError.nothingToAlign) {
      try WordAlignment(["—", ""], vocabulary: vocabulary, to: Self.scores)
    }
    #expect(throws: DecodingError.nothingToAlign) {
      try WordAlignment([], vocabulary: vocabulary, to: Self.scores)
    }
  }
}
