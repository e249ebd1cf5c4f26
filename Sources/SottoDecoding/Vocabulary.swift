// Tokens and the text that they stand for.

/// The texts of a byte-level vocabulary. A token is a run of bytes that need not be whole characters.
public struct Vocabulary: Sendable {
  private let bytes: [UInt8]
  private let offsets: [UInt32]

  public var size: Int { offsets.count - 1 }

  /// nil where the offsets do not cut `bytes` from start to end.
  ///
  /// - Parameters:
  ///   - bytes: the bytes of all tokens one after another.
  ///   - offsets: [size + 1], where each token begins, and the end.
  public init?(bytes: [UInt8], offsets: [UInt32]) {
    guard offsets.first == 0, let end = offsets.last, Int(end) == bytes.count else { return nil }
    guard zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 }) else { return nil }
    self.bytes = bytes
    self.offsets = offsets
  }

  /// The bytes of one token; empty for an id out of range.
  public func bytes(of token: Int) -> ArraySlice<UInt8> {
    guard token >= 0, token < size else { return [] }
    return bytes[Int(offsets[token])..<Int(offsets[token + 1])]
  }

  /// The text of tokens together. Bytes that are no UTF-8 become U+FFFD.
  public func text(_ tokens: some Sequence<Int>) -> String {
    String(decoding: tokens.flatMap { bytes(of: $0) }, as: UTF8.self)
  }
}
