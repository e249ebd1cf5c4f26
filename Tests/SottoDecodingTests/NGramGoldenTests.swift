// N-gram models against others: estimates computed plainly from their definition, and what KenLM says of an ARPA file
// (tools/golden/ngrams.py).

import Foundation
import Testing

@testable import SottoDecoding

@Suite struct NGramGoldenTests {
  private struct Values: Decodable {
    struct Estimate: Decodable {
      var context: [Int]
      /// ln p of tokens 0 ..< size, and of the end.
      var log: [Double]
    }
    struct Judged: Decodable {
      var tokens: [Int]
      /// Of each token, and of the end.
      var log10: [Double]
    }
    var size: Int
    var order: Int
    var texts: [[Int]]
    var estimates: [Estimate]
    var kenlm: [Judged]
  }

  private static func url(_ name: String) throws -> URL {
    try #require(Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "Golden"))
  }

  private static func values() throws -> Values {
    try JSONDecoder().decode(Values.self, from: Data(contentsOf: url("ngrams.json")))
  }

  private static func arpa(_ values: Values) throws -> NGramTable {
    let text = try String(contentsOf: url("ngrams.arpa"), encoding: .utf8)
    return try ARPAFile.table(
      text.split(separator: "\n", omittingEmptySubsequences: false), size: values.size
    ) { Int($0.dropFirst()) }
  }

  private static func estimated(_ values: Values) throws -> NGramTable {
    var estimator = try KneserNeyEstimator(size: values.size, order: values.order)
    for text in values.texts { estimator.add(text) }
    return estimator.estimate()
  }

  @Test func estimatesAreThoseOfTheDefinition() throws {
    let values = try Self.values()
    let (table, read) = (try Self.estimated(values), try Self.arpa(values))
    #expect(table.counts == read.counts)
    for estimate in values.estimates {
      for (token, expected) in zip(Array(0..<values.size) + [values.size + 1], estimate.log) {
        let (key, length) = (table.packing.key(estimate.context + [token]), estimate.context.count + 1)
        #expect(abs(Double(table.probability(key, length)) - expected) < 2e-5, "\(estimate.context) \(token)")
        #expect(abs(Double(read.probability(key, length)) - expected) < 2e-5, "\(estimate.context) \(token)")
      }
    }
  }

  /// Tables to the digits of the file; models in 8 bits within what rounding costs.
  @Test func scoresAreKenLMs() throws {
    let values = try Self.values()
    let table = try Self.arpa(values)
    let model = try table.model()
    var (worst, count) = (0.0, 0)
    for judged in values.kenlm {
      let text = [values.size] + judged.tokens + [values.size + 1]
      var state = model.start
      for (end, expected) in zip(1..., judged.log10) {
        let gram = text[max(0, end + 1 - values.order)...end]
        let exact = Double(table.probability(table.packing.key(gram), gram.count)) / log(10)
        #expect(abs(exact - expected) < 1e-5)
        let (coded, next) = model.advance(state, by: text[end])
        worst = max(worst, abs(Double(coded) / log(10) - expected))
        (state, count) = (next, count + 1)
      }
    }
    #expect(count > 60 && worst < 0.1, "\(worst)")
  }
}
