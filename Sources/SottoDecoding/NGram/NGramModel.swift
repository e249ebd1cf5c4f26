// An n-gram language model over tokens, as searches ask it.

import Glibc
import SottoKernels

/// Back-off n-grams (Katz) in a trie, used where it lies in a mapped file: an array a level, sorted by context and token,
/// probabilities and back-off weights in 8 bits by code books.
///
/// Tokens 0 ..< size are those of a vocabulary; two more mark the start and the end of a text.
public struct NGramModel: Sendable {
  /// One length of n-grams. Entries with the same context lie together, in the order of their last tokens.
  public struct Level: Sendable {
    public let count: Int
    /// Last token of each n-gram, UInt16.
    public let tokens: SharedBytes
    /// Indices into the code books, UInt8.
    public let probabilities: SharedBytes
    public let backoffs: SharedBytes?
    /// UInt32, [count + 1]: where in the next level the n-grams begin that have this one as their context.
    public let first: SharedBytes?
    public let probabilityBook: [Float]
    public let backoffBook: [Float]

    func token(_ index: Int) -> Int { Int(Self.load(tokens, index, as: UInt16.self)) }

    func probability(_ index: Int) -> Float {
      probabilityBook[Int(Self.load(probabilities, index, as: UInt8.self))]
    }

    func backoff(_ index: Int) -> Float {
      guard let backoffs else { return 0 }
      return backoffBook[Int(Self.load(backoffs, index, as: UInt8.self))]
    }

    /// The range of entries in the next level, of which there are `count`.
    func children(_ index: Int, count: Int) -> Range<Int> {
      guard let first else { return 0..<0 }
      let start = min(Int(UInt32(littleEndian: Self.load(first, index, as: UInt32.self))), count)
      let end = min(Int(UInt32(littleEndian: Self.load(first, index + 1, as: UInt32.self))), count)
      return start..<max(start, end)
    }

    private static func load<Element: FixedWidthInteger & BitwiseCopyable>(
      _ bytes: SharedBytes, _ index: Int, as type: Element.Type
    ) -> Element {
      bytes.withUnsafeBytes { bytes in
        let offset = index * MemoryLayout<Element>.size
        guard index >= 0, offset + MemoryLayout<Element>.size <= bytes.count else { return 0 }
        return Element(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
      }
    }

    /// - Throws: `DecodingError.languageModel` where the sizes do not fit together.
    public init(
      count: Int, tokens: SharedBytes, probabilities: SharedBytes, probabilityBook: [Float],
      backoffs: SharedBytes?, backoffBook: [Float], first: SharedBytes?
    ) throws {
      guard tokens.count == 2 * count, probabilities.count == count,
        backoffs.map({ $0.count == count }) ?? true, first.map({ $0.count == 4 * (count + 1) }) ?? true,
        probabilityBook.count == 256, backoffBook.count == 256,
        (probabilityBook + backoffBook).allSatisfy(\.isFinite)
      else { throw DecodingError.languageModel(reason: "its tables do not fit together") }
      self.count = count
      self.tokens = tokens
      self.probabilities = probabilities
      self.backoffs = backoffs
      self.first = first
      self.probabilityBook = probabilityBook
      self.backoffBook = backoffBook
    }
  }

  /// Size of the vocabulary, without the two marks.
  public let size: Int
  public let levels: [Level]
  public var order: Int { levels.count }
  var startOfText: Int { size }
  var endOfText: Int { size + 1 }

  private let packing: TokenPacking

  /// The largest vocabulary, and the longest order that states can hold for one.
  public static let largestSize = TokenPacking.largestSize
  public static func longestOrder(size: Int) -> Int { TokenPacking(size: size).longestOrder }

  /// - Throws: `DecodingError.languageModel` where the levels do not fit together, or the vocabulary is too large.
  public init(size: Int, levels: [Level]) throws {
    guard (1...Self.largestSize).contains(size) else {
      throw DecodingError.languageModel(reason: "\(size) tokens; up to \(Self.largestSize) are possible")
    }
    packing = TokenPacking(size: size)
    guard (1...packing.longestOrder).contains(levels.count) else {
      throw DecodingError.languageModel(
        reason: "order \(levels.count); with \(size) tokens up to \(packing.longestOrder) are possible")
    }
    guard levels[0].count == size + 2, (0..<(size + 2)).allSatisfy({ levels[0].token($0) == $0 }) else {
      throw DecodingError.languageModel(reason: "its first table has not all tokens")
    }
    self.size = size
    self.levels = levels
  }

  // MARK: States: the last tokens, the latest in the lowest bits, and how many they are in the highest

  private static let countShift = TokenPacking.stateBits

  /// The state at the start of a text.
  public var start: UInt64 { state([startOfText]) }

  func state(_ tokens: [Int]) -> UInt64 {
    let kept = tokens.suffix(order - 1)
    return UInt64(kept.count) << Self.countShift | packing.key(kept)
  }

  private func context(_ state: UInt64) -> (tokens: (Int) -> Int, count: Int) {
    ({ packing.token(state, $0) }, min(Int(state >> Self.countShift), order - 1))
  }

  /// ln p(token | state), and the state after it. A token out of range is as unlikely as the unlikeliest.
  public func advance(_ state: UInt64, by token: Int) -> (logProbability: Float, state: UInt64) {
    let (tokens, count) = context(state)
    guard token >= 0, token < size + 2 else { return (levels[0].probabilityBook.min() ?? -20, state) }
    var backoff: Float = 0
    var length = count
    var result: Float?
    while result == nil, length > 0 {
      if let context = find(tokens, length) {
        let range = levels[length - 1].children(context, count: levels[length].count)
        if let entry = entry(token, in: length, range) {
          result = levels[length].probability(entry)
        } else {
          backoff += levels[length - 1].backoff(context)
        }
      }
      length -= 1
    }
    let probability = (result ?? levels[0].probability(token)) + backoff
    return (probability, next(state, token))
  }

  private func next(_ state: UInt64, _ token: Int) -> UInt64 {
    guard order > 1 else { return 0 }
    let count = min(Int(state >> Self.countShift) + 1, order - 1)
    return UInt64(count) << Self.countShift | (state << packing.bits | UInt64(token)) & packing.mask(count)
  }

  /// The entry of the last `length` tokens of a state, in level `length` - 1.
  private func find(_ tokens: (Int) -> Int, _ length: Int) -> Int? {
    var entry = tokens(length - 1)
    guard entry < levels[0].count else { return nil }
    for place in 1..<max(length, 1) {
      let range = levels[place - 1].children(entry, count: levels[place].count)
      guard let child = self.entry(tokens(length - 1 - place), in: place, range) else { return nil }
      entry = child
    }
    return entry
  }

  private func entry(_ token: Int, in level: Int, _ range: Range<Int>) -> Int? {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if levels[level].token(middle) < token { low = middle + 1 } else { high = middle }
    }
    return low < range.upperBound && levels[level].token(low) == token ? low : nil
  }

  /// ln p of the tokens as a whole text, its end included.
  public func logProbability(_ tokens: [Int]) -> Float {
    var (sum, state): (Float, UInt64) = (0, start)
    for token in tokens + [endOfText] {
      let (score, next) = advance(state, by: token)
      (sum, state) = (sum + score, next)
    }
    return sum
  }
}

/// An n-gram model in a search: shallow fusion, total + weight · ln p(token) + bonus for each token. Tokens beyond the vocabulary
/// are marks, such as timestamps: they count for nothing and change nothing.
public struct NGramFusion: FusionScorer {
  public let model: NGramModel
  public let weight: Float
  /// Against the fusion's liking for short texts.
  public let bonus: Float

  public init(_ model: NGramModel, weight: Float, bonus: Float) {
    self.model = model
    self.weight = weight
    self.bonus = bonus
  }

  public var start: UInt64 { model.start }
  public var isLanguageModel: Bool { true }

  public func advance(_ state: UInt64, by token: Int) -> (score: Float, state: UInt64) {
    if token >= model.size { return (0, state) }
    let (logProbability, next) = model.advance(state, by: token)
    return (weight * logProbability + bonus, next)
  }

  public func finish(_ state: UInt64) -> Float {
    weight * model.advance(state, by: model.endOfText).logProbability
  }
}
