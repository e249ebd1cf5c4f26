// Language models: probabilities against plain counting, files against their table, searches with them.

import Foundation
import Testing

@testable import SottoDecoding

@Suite struct NGramTests {
  /// Texts over five tokens in which some follow others more often.
  private static func texts(_ count: Int, seed: UInt64 = 1) -> [[Int]] {
    var state = seed
    func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    return (0..<count).map { _ in
      var text = [next(5)]
      while next(6) > 0, text.count < 30 { text.append((text[text.count - 1] * 2 + next(3)) % 5) }
      return text
    }
  }

  private static func table(_ texts: [[Int]], order: Int) throws -> NGramTable {
    var estimator = try KneserNeyEstimator(size: 5, order: order)
    for text in texts { estimator.add(text) }
    return estimator.estimate()
  }

  /// After any context, what may follow has probabilities that sum to 1.
  @Test(arguments: [2, 3, 5]) func probabilitiesSumToOne(order: Int) throws {
    var table = try Self.table(Self.texts(300), order: order)
    for limit in [Int.max, 60, 12] {
      table.prune(to: limit)
      #expect(limit == .max || table.counts.dropFirst().reduce(0, +) <= limit)
      let model = try table.model()
      for context in [[], [3], [1, 2], [4, 3, 1], [0, 0, 0, 0]] {
        let state = context.reduce(model.start) { model.advance($0, by: $1).state }
        let sum = (0..<7).filter { $0 != 5 }.reduce(0.0) {
          $0 + exp(Double(model.advance(state, by: $1).logProbability))
        }
        // Code books of 256 values round a little.
        #expect(abs(sum - 1) < 0.03, "\(context): \(sum)")
      }
    }
  }

  /// "0 1" seven times and "0 2" once: what was seen more often is likelier, and what was never seen not impossible.
  @Test func smallestModel() throws {
    let table = try Self.table([[0, 2]] + [[Int]](repeating: [0, 1], count: 7), order: 2)
    let model = try table.model()
    let state = model.advance(model.start, by: 0).state
    let (one, two) = (model.advance(state, by: 1).logProbability, model.advance(state, by: 2).logProbability)
    let never = model.advance(state, by: 3).logProbability
    #expect(one > two && two > never && never > -12)
    #expect(model.logProbability([0, 1]) > model.logProbability([0, 2]))
    #expect(model.logProbability([0, 1]) > model.logProbability([1, 0]))
  }

  @Test func moreContextPredictsBetter() throws {
    let held = Self.texts(200, seed: 9)
    func perplexity(_ order: Int) throws -> Double {
      let model = try Self.table(Self.texts(2000), order: order).model()
      let sum = held.reduce(0.0) { $0 + Double(model.logProbability($1)) }
      return exp(-sum / Double(held.reduce(0) { $0 + $1.count + 1 }))
    }
    // One of three tokens follows, or the end: 3.9 at best; a uniform guess would be 6.
    let (two, three) = (try perplexity(2), try perplexity(3))
    #expect(two > 3.6 && two < 4.3 && three < two * 1.05, "\(two), \(three)")
  }

  private static let arpa = """
    \\data\\
    ngram 1=5
    ngram 2=4
    ngram 3=1

    \\1-grams:
    -1.0\t<s>\t-0.5
    -0.9\ta\t-0.3
    -0.7\tb\t-0.2
    -0.8\t</s>
    -2.0\t<unk>

    \\2-grams:
    -0.4\t<s> a\t-0.1
    -0.3\ta b\t-0.25
    -0.6\tb a
    -0.5\tb </s>

    \\3-grams:
    -0.2\t<s> a b

    \\end\\
    """

  private static func read(_ text: String) throws -> NGramTable {
    try ARPAFile.table(text.split(separator: "\n", omittingEmptySubsequences: false), size: 2) {
      ["a": 0, "b": 1][$0]
    }
  }

  /// log₁₀ probabilities that follow from the file by the rules of back-off, by hand.
  private static let expected: [(tokens: [Int], terms: [Double])] = [
    // <s> a, <s> a b; "a b </s>" is backed off to "b </s>".
    ([0, 1], [-0.4, -0.2, -0.25, -0.5]),
    // b after <s>, b after b, </s> after b.
    ([1, 1], [-0.5, -0.7, -0.2, -0.7, -0.5]),
    ([0, 0], [-0.4, -0.1, -0.3, -0.9, -0.3, -0.8]),
    ([], [-0.5, -0.8]),
  ]

  @Test(arguments: 0..<4) func arpaFile(index: Int) throws {
    let model = try Self.read(Self.arpa).model()
    #expect(model.order == 3)
    let (tokens, terms) = Self.expected[index]
    let decimal = Double(model.logProbability(tokens)) / log(10)
    #expect(abs(decimal - terms.reduce(0, +)) < 0.02)
  }

  @Test(arguments: [
    ("", 1), ("hello", 1), ("\\data\\\nngram 1=1\n\\2-grams:", 3),
    ("\\data\\\nngram 1=1\n\\1-grams:\nx a", 4), ("\\data\\\nngram 1=1\n\\1-grams:\n-1 a b c", 4),
    ("\\data\\\nngram 1=1\n\\1-grams:\n-1 a nan", 4), ("\\data\\\nngram 1=1\n\\1-grams:\n-1 a", 4),
    ("\\data\\\nsix\n", 2), ("\\data\\\nngram 2=1\n", 2), ("\\data\\\nngram 1=-1\n", 2),
    ("\\data\\\nngram 1=1\n\\1-grams:\n0.5 a", 4),
    ("\\data\\\nngram 1=2\n\\1-grams:\n-1 a\n\\end\\", 5),
    ("\\data\\\nngram 1=1\nngram 2=1\n\\1-grams:\n-1 a\n\\end\\", 6),
    ("\\data\\\nngram 1=1\n\\1-grams:\n-1 a\n\\2-grams:\n", 5),
  ]) func damagedArpaFiles(text: String, line: Int) {
    let error = #expect(throws: DecodingError.self) { try Self.read(text) }
    guard case .arpa(line, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func damagedTablesAreRefused() throws {
    let level = try Self.table(Self.texts(50), order: 2).model().levels[0]
    #expect(throws: DecodingError.self) { try NGramModel(size: 6, levels: [level]) }
    #expect(throws: DecodingError.self) { try NGramModel(size: 5, levels: []) }
    // Files may say anything.
    for size in [Int.max, .min, -1, 0] {
      #expect((1...6).contains(NGramModel.longestOrder(size: size)))
      #expect(throws: DecodingError.self) { try NGramModel(size: size, levels: [level]) }
    }
    #expect(throws: DecodingError.self) {
      try NGramModel.Level(
        count: level.count + 1, tokens: level.tokens, probabilities: level.probabilities,
        probabilityBook: level.probabilityBook, backoffs: level.backoffs, backoffBook: level.backoffBook,
        first: level.first)
    }
    #expect(throws: DecodingError.self) { try KneserNeyEstimator(size: 5, order: 7) }
    #expect(throws: DecodingError.self) { try KneserNeyEstimator(size: 5000, order: 5) }
    #expect(throws: DecodingError.self) { try KneserNeyEstimator(size: 65_535, order: 2) }
    let model = try Self.table(Self.texts(50), order: 3).model()
    #expect(
      model.advance(.max, by: 2).logProbability.isFinite && model.advance(0, by: 99).logProbability < -1)
  }
}
