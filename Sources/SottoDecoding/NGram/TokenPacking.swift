// Tokens side by side in 64 bits.

/// How the tokens of an n-gram lie in a number: the first one highest, in 12 bits each for the vocabularies of word pieces, in
/// 16 for those of bytes. Numbers in order are contexts in order, and within them last tokens.
struct TokenPacking: Sendable {
  /// Of a token.
  let bits: UInt64

  /// - Parameter size: tokens of the vocabulary; two more stand for the start and the end of a text.
  init(size: Int) { bits = size <= (1 << 12) - 2 ? 12 : 16 }

  /// The largest vocabulary.
  static let largestSize = (1 << 16) - 2

  /// Tokens that a number holds.
  var capacity: Int { 64 / Int(bits) }

  /// Bits of a state's tokens; those above count them.
  static let stateBits: UInt64 = 60

  /// Tokens of the longest n-grams whose contexts a state holds.
  var longestOrder: Int { Int(Self.stateBits / bits) + 1 }

  func key(_ tokens: some Sequence<Int>) -> UInt64 { tokens.reduce(0) { $0 << bits | UInt64($1) } }

  /// The key without its last token.
  func context(_ key: UInt64) -> UInt64 { key >> bits }

  /// The key without its first token, of `length`.
  func suffix(_ key: UInt64, _ length: Int) -> UInt64 { key & mask(length - 1) }

  func last(_ key: UInt64) -> Int { Int(key & mask(1)) }

  /// The first of `length` tokens.
  func first(_ key: UInt64, _ length: Int) -> Int { Int(key >> (bits * UInt64(length - 1))) }

  /// The token `place` tokens before the last.
  func token(_ key: UInt64, _ place: Int) -> Int { Int(key >> (UInt64(place) * bits) & mask(1)) }

  /// Ones where `count` tokens lie, at most `capacity` - 1.
  func mask(_ count: Int) -> UInt64 { (1 << (bits * UInt64(count))) - 1 }
}
