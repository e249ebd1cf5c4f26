// The guard against decoders that say the same thing for ever.

/// Tells when the end of a token sequence has become a loop: the same tokens, again and again.
public struct LoopGuard: Sendable, Hashable {
  /// The longest pattern that is looked for, in tokens.
  public var longestPattern = 32
  /// Repetitions of a pattern that still pass for speech, for patterns of 1, 2, 3 and more tokens.
  public var mostRepetitions = [7, 4, 3]

  public init() {}

  /// Repetitions of a pattern of `length` tokens that make a loop.
  private func limit(_ length: Int) -> Int {
    mostRepetitions.isEmpty ? .max : mostRepetitions[min(length, mostRepetitions.count) - 1] + 1
  }

  /// The length of the pattern that the end of `tokens` repeats too often; nil where there is none.
  public func pattern(in tokens: [Int]) -> Int? {
    for length in 1...max(longestPattern, 1) {
      let needed = limit(length)
      if needed == .max || length > tokens.count / needed { continue }
      var matched = 0
      var index = tokens.count - 1
      while index >= length, tokens[index] == tokens[index - length], matched < length * (needed - 1) {
        matched += 1
        index -= 1
      }
      if matched >= length * (needed - 1) { return length }
    }
    return nil
  }

  /// `tokens` with a loop at their end reduced to its first round.
  public func unrolled(_ tokens: [Int]) -> [Int] {
    guard let length = pattern(in: tokens) else { return tokens }
    var end = tokens.count
    while end >= 2 * length, tokens[(end - length)..<end] == tokens[(end - 2 * length)..<(end - length)] {
      end -= length
    }
    return Array(tokens[..<end])
  }
}
