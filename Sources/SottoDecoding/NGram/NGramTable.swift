// An n-gram model in the making: sorted tables that can be pruned, and packed into a trie.

import Glibc
import SottoKernels

/// N-grams of all lengths with their probabilities and back-off weights (natural logarithms).
///
/// A key holds the tokens of an n-gram (`TokenPacking`): keys in order are contexts in order, and within them last tokens.
public struct NGramTable: Sendable {
  struct Level: Sendable {
    /// Rising.
    var keys: [UInt64] = []
    var probabilities: [Float] = []
    var backoffs: [Float] = []
    /// How often each n-gram was seen; empty where that is not known.
    var counts: [UInt32] = []

    func index(_ key: UInt64) -> Int? {
      var (low, high) = (0, keys.count)
      while low < high {
        let middle = (low + high) / 2
        if keys[middle] < key { low = middle + 1 } else { high = middle }
      }
      return low < keys.count && keys[low] == key ? low : nil
    }
  }

  /// Size of the vocabulary, without the marks of start and end.
  public let size: Int
  var levels: [Level]

  let packing: TokenPacking

  init(size: Int, levels: [Level] = []) {
    self.size = size
    self.levels = levels
    packing = TokenPacking(size: size)
  }

  public var counts: [Int] { levels.map(\.keys.count) }

  /// ln p of an n-gram's last token after the others, by backing off.
  func probability(_ key: UInt64, _ length: Int) -> Float {
    if let index = levels[length - 1].index(key) { return levels[length - 1].probabilities[index] }
    guard length > 1 else { return -20 }
    let context = levels[length - 2].index(packing.context(key))
    return (context.map { levels[length - 2].backoffs[$0] } ?? 0)
      + probability(packing.suffix(key, length), length - 1)
  }

  /// Sets the back-off weights so that the probabilities after each context sum to 1.
  mutating func normalise() {
    for length in 1..<max(levels.count, 1) {
      levels[length - 1].backoffs = [Float](repeating: 0, count: levels[length - 1].keys.count)
      var start = 0
      let keys = levels[length].keys
      while start < keys.count {
        let context = packing.context(keys[start])
        var (seen, lower) = (0.0, 0.0)
        var end = start
        while end < keys.count, packing.context(keys[end]) == context {
          seen += exp(Double(levels[length].probabilities[end]))
          lower += exp(Double(probability(packing.suffix(keys[end], length + 1), length)))
          end += 1
        }
        if let index = levels[length - 1].index(context) {
          let (left, room) = (max(1 - seen, 1e-6), max(1 - lower, 1e-6))
          levels[length - 1].backoffs[index] = Float(log(left / room))
        }
        start = end
      }
    }
  }

  /// Bytes of an n-gram in a model: token, probability, and where longer ones follow, back-off weight and place.
  private static func bytes(_ isLongest: Bool) -> Int { isLongest ? 3 : 8 }
  /// Of the code books of a length.
  private static let bookBytes = 2 * 4 * CodeBook.size

  /// Of the model's tables, for so many n-grams of each length.
  private static func bytes(_ counts: [Int]) -> Int {
    counts.enumerated().reduce(0) { $0 + $1.element * bytes($1.offset + 1 == counts.count) + bookBytes }
  }

  /// Bytes of the model's tables.
  public var byteCount: Int { Self.bytes(counts) }

  /// Leaves out the n-grams that change the model least, until at most `limit` longer than one token remain, and the model's
  /// tables take at most `limitBytes`: those with the smallest count · |ln p(w|h) − ln p(w|shorter h)| (Seymore and
  /// Rosenfeld 1996).
  public mutating func prune(to limit: Int = .max, bytes limitBytes: Int = .max) {
    let total = levels.dropFirst().reduce(0) { $0 + $1.keys.count }
    guard total > limit || byteCount > limitBytes,
      levels.allSatisfy({ $0.counts.count == $0.keys.count })
    else { return }
    var values: [[Float]] = []
    for length in 2...levels.count {
      let level = levels[length - 1]
      values.append(
        level.keys.indices.map { index in
          let context = levels[length - 2].index(packing.context(level.keys[index]))
          let shorter =
            (context.map { levels[length - 2].backoffs[$0] } ?? 0)
            + probability(packing.suffix(level.keys[index], length), length - 1)
          return Float(level.counts[index]) * abs(level.probabilities[index] - shorter)
        })
    }
    // A context stays as long as something follows it: it is worth at least as much.
    for length in stride(from: levels.count, to: 2, by: -1) {
      for (index, key) in levels[length - 1].keys.enumerated() {
        if let context = levels[length - 2].index(packing.context(key)) {
          values[length - 3][context] = max(values[length - 3][context], values[length - 2][index])
        }
      }
    }
    let least = threshold(values, limit, limitBytes)
    for length in 2...levels.count {
      let kept = levels[length - 1].keys.indices.filter { values[length - 2][$0] > least }
      let level = levels[length - 1]
      levels[length - 1] = Level(
        keys: kept.map { level.keys[$0] }, probabilities: kept.map { level.probabilities[$0] },
        backoffs: [], counts: kept.map { level.counts[$0] })
    }
    while levels.count > 1, levels.last?.keys.isEmpty == true { levels.removeLast() }
    normalise()
  }

  /// The value above which n-grams may stay. The more stay, the larger is the model: found by halving.
  private func threshold(_ values: [[Float]], _ limit: Int, _ limitBytes: Int) -> Float {
    func fits(_ threshold: Float) -> Bool {
      let kept = values.map { $0.count { $0 > threshold } }
      return kept.reduce(0, +) <= limit && Self.bytes([levels[0].keys.count] + kept) <= limitBytes
    }
    let sorted = values.joined().sorted(by: >)
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if fits(sorted[middle]) { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? sorted[low - 1] : .infinity
  }

  /// The model, in code books of 256 values.
  ///
  /// - Throws: `DecodingError.languageModel` where it is too large for one.
  public func model() throws -> NGramModel {
    let packed = try levels.enumerated().map { place, level in
      let hasNext = place + 1 < levels.count
      let (probabilityBook, probabilities) = CodeBook.code(level.probabilities)
      let (backoffBook, backoffs) = CodeBook.code(hasNext ? level.backoffs : [])
      var first: [UInt32] = []
      if hasNext {
        let next = levels[place + 1].keys
        var child = 0
        for key in level.keys {
          while child < next.count, packing.context(next[child]) < key { child += 1 }
          first.append(UInt32(child))
          while child < next.count, packing.context(next[child]) == key { child += 1 }
        }
        first.append(UInt32(child))
      }
      return try NGramModel.Level(
        count: level.keys.count,
        tokens: SharedBytes(level.keys.map { UInt16(packing.last($0)).littleEndian }),
        probabilities: SharedBytes(probabilities), probabilityBook: probabilityBook,
        backoffs: hasNext ? SharedBytes(backoffs) : nil, backoffBook: backoffBook,
        first: hasNext ? SharedBytes(first.map(\.littleEndian)) : nil)
    }
    return try NGramModel(size: size, levels: packed)
  }
}

/// Values in 8 bits: 256 means of equally many values each, in order.
enum CodeBook {
  static let size = 256

  static func code(_ values: [Float]) -> (book: [Float], codes: [UInt8]) {
    guard !values.isEmpty else { return ([Float](repeating: 0, count: size), []) }
    let order = values.indices.sorted { values[$0] < values[$1] }
    var book = [Float](repeating: 0, count: size)
    var codes = [UInt8](repeating: 0, count: values.count)
    var last = values[order[0]]
    for code in 0..<size {
      let range = (values.count * code / size)..<(values.count * (code + 1) / size)
      if !range.isEmpty {
        last = Float(range.reduce(0.0) { $0 + Double(values[order[$1]]) } / Double(range.count))
      }
      book[code] = last
      for place in range { codes[order[place]] = UInt8(code) }
    }
    return (book, codes)
  }
}
