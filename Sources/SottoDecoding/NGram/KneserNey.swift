// N-gram probabilities out of text.

import Glibc

/// Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1999, section 3): lengths below the highest count in how many
/// different contexts an n-gram was seen; each length has three discounts, from the numbers of n-grams seen once to four times.
public struct KneserNeyEstimator {
  private let size: Int
  private let order: Int
  private let packing: TokenPacking
  /// Keys of all n-grams seen, by length.
  private var seen: [[UInt64]]

  /// - Parameters:
  ///   - size: tokens of the vocabulary.
  ///   - order: tokens of the longest n-grams.
  /// - Throws: `DecodingError.languageModel` where either is out of range: five tokens of word pieces fit into a key, and four of larger
  ///   vocabularies.
  public init(size: Int, order: Int) throws {
    guard (1...NGramModel.largestSize).contains(size) else {
      throw DecodingError.languageModel(
        reason: "\(size) tokens; 1 to \(NGramModel.largestSize) are possible")
    }
    packing = TokenPacking(size: size)
    let longest = min(packing.capacity, packing.longestOrder)
    guard (2...longest).contains(order) else {
      throw DecodingError.languageModel(
        reason: "order \(order); with \(size) tokens 2 to \(longest) are possible")
    }
    self.size = size
    self.order = order
    seen = Array(repeating: [], count: order)
  }

  /// Takes a text. Tokens out of range end it, and begin another.
  public mutating func add(_ tokens: [Int]) {
    let size = size
    for part in tokens.split(whereSeparator: { $0 < 0 || $0 >= size }) {
      let text = [size] + part + [size + 1]
      for end in 1..<text.count {
        for length in 1...min(order, end + 1) {
          seen[length - 1].append(packing.key(text[(end - length + 1)...end]))
        }
      }
    }
  }

  /// The model of all texts taken; they are forgotten.
  public mutating func estimate() -> NGramTable {
    var raw: [(keys: [UInt64], counts: [UInt32])] = []
    for length in 1...order {
      raw.append(Self.counted(&seen[length - 1]))
      seen[length - 1] = []
    }
    var table = NGramTable(size: size)
    table.levels.append(unigrams(raw))
    for length in 2...order {
      let counts = length == order ? raw[length - 1].counts : continuations(raw, length)
      table.levels.append(level(raw[length - 1], counts, length, table))
      table.levels[length - 1].backoffs = [Float](repeating: 0, count: raw[length - 1].keys.count)
      table.levels[length - 2].backoffs = backoffs
    }
    table.normalise()
    return table
  }

  /// Of the level below the one that was made last: ln γ(h).
  private var backoffs: [Float] = []

  private static func counted(_ keys: inout [UInt64]) -> (keys: [UInt64], counts: [UInt32]) {
    keys.sort()
    var result: (keys: [UInt64], counts: [UInt32]) = ([], [])
    for key in keys {
      if result.keys.last == key {
        result.counts[result.counts.count - 1] &+= 1
      } else {
        result.keys.append(key)
        result.counts.append(1)
      }
    }
    return result
  }

  /// In how many contexts of one token each n-gram was seen; at the start of a text, how often.
  private func continuations(_ raw: [(keys: [UInt64], counts: [UInt32])], _ length: Int) -> [UInt32] {
    var suffixes = raw[length].keys.map { packing.suffix($0, length + 1) }
    let counted = Self.counted(&suffixes)
    let keys = raw[length - 1].keys
    var result = raw[length - 1].counts
    var place = 0
    for (index, key) in keys.enumerated() where packing.first(key, length) != size {
      while place < counted.keys.count, counted.keys[place] < key { place += 1 }
      if place < counted.keys.count, counted.keys[place] == key { result[index] = counted.counts[place] }
    }
    return result
  }

  private struct Discounts {
    var values: [Double] = [0, 0.5, 1, 1.5]

    init(_ counts: [UInt32]) {
      var n = [0.0, 0, 0, 0, 0]
      for count in counts where count <= 4 { n[Int(count)] += 1 }
      guard n[1] > 0, n[2] > 0 else { return }
      let y = n[1] / (n[1] + 2 * n[2])
      for k in 1...3 where n[k] > 0 {
        values[k] = min(
          max(Double(k) - Double(k + 1) * y * n[k + 1] / n[k], 0.05 * Double(k)), 0.95 * Double(k))
      }
    }

    func callAsFunction(_ count: UInt32) -> Double { values[Int(min(count, 3))] }
  }

  private func unigrams(_ raw: [(keys: [UInt64], counts: [UInt32])]) -> NGramTable.Level {
    let counts = continuations(raw, 1)
    let discount = Discounts(counts)
    let total = Double(counts.reduce(0) { $0 + UInt64($1) })
    // The mark of the start is never predicted.
    let uniform = 1 / Double(size + 1)
    var level = NGramTable.Level()
    var taken = 0.0
    for count in counts { taken += discount(count) }
    let gamma = total > 0 ? taken / total : 1
    let seen = Dictionary(uniqueKeysWithValues: zip(raw[0].keys.map { Int($0) }, 0...))
    for token in 0..<(size + 2) {
      let index = seen[token]
      let count = index.map { counts[$0] } ?? 0
      var p = gamma * uniform
      if count > 0 { p += (Double(count) - discount(count)) / max(total, 1) }
      level.keys.append(UInt64(token))
      level.probabilities.append(token == size ? -20 : Float(log(max(p, 1e-9))))
      level.counts.append(index.map { raw[0].counts[$0] } ?? 0)
    }
    level.backoffs = [Float](repeating: 0, count: size + 2)
    return level
  }

  private mutating func level(
    _ raw: (keys: [UInt64], counts: [UInt32]), _ counts: [UInt32], _ length: Int, _ table: NGramTable
  ) -> NGramTable.Level {
    let discount = Discounts(counts)
    var level = NGramTable.Level()
    level.keys = raw.keys
    level.counts = raw.counts
    level.probabilities.reserveCapacity(raw.keys.count)
    backoffs = [Float](repeating: 0, count: table.levels[length - 2].keys.count)
    var start = 0
    while start < raw.keys.count {
      let context = packing.context(raw.keys[start])
      var end = start
      var (total, taken) = (0.0, 0.0)
      while end < raw.keys.count, packing.context(raw.keys[end]) == context {
        total += Double(counts[end])
        taken += min(discount(counts[end]), Double(counts[end]))
        end += 1
      }
      let gamma = max(taken / total, 1e-9)
      for index in start..<end {
        let lower = exp(Double(table.probability(packing.suffix(raw.keys[index], length), length - 1)))
        let own = max(Double(counts[index]) - discount(counts[index]), 0) / total
        level.probabilities.append(Float(log(max(own + gamma * lower, 1e-9))))
      }
      if let index = table.levels[length - 2].index(context) { backoffs[index] = Float(log(gamma)) }
      start = end
    }
    return level
  }
}
