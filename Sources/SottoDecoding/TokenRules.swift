// Which tokens may come next: Whisper's rules (Radford et al., arXiv 2212.04356, section 4.5; `decoding.py` of
// openai/whisper is the reference).

/// Rules on next tokens, applied to the scores of one hypothesis.
public struct TokenRules: Sendable {
  public var endOfText: Int
  public var noTimestamps: Int
  /// The first timestamp; those above it are timestamps too, in steps of 0.02 s.
  public var firstTimestamp: Int
  /// Never allowed.
  public var suppressed: [Int]
  /// Not allowed as the first token of text.
  public var suppressedAtStart: [Int]
  /// Whether timestamps are asked for: text between pairs of them.
  public var usesTimestamps: Bool
  /// The latest first timestamp, in steps.
  public var latestStart = 50
  /// The last timestamp that makes sense, the end of the audio, in steps.
  public var latestEnd = Int.max
  /// Before so many tokens the text neither ends nor gives a time: it has to go on.
  public var leastTokens = 0
  /// Runs of so many tokens may not occur a second time; 0 for no such rule. The way out of a loop.
  public var uniqueRun = 0

  public init(
    endOfText: Int, noTimestamps: Int, firstTimestamp: Int, suppressed: [Int], suppressedAtStart: [Int],
    usesTimestamps: Bool
  ) {
    self.endOfText = endOfText
    self.noTimestamps = noTimestamps
    self.firstTimestamp = firstTimestamp
    self.suppressed = suppressed
    self.suppressedAtStart = suppressedAtStart
    self.usesTimestamps = usesTimestamps
  }

  /// Sets the scores of tokens that may not follow `tokens` to -∞.
  public func apply(to scores: UnsafeMutableBufferPointer<Float>, after tokens: [Int]) {
    func forbid(_ token: Int) {
      if scores.indices.contains(token) { scores[token] = -.infinity }
    }
    func forbid(_ range: Range<Int>) {
      let range = range.clamped(to: scores.indices)
      if !range.isEmpty { scores[range].update(repeating: -.infinity) }
    }
    // A model may have fewer timestamps than the rules speak of.
    func forbid(from token: Int) { forbid(min(max(token, 0), scores.count)..<scores.count) }
    for token in suppressed { forbid(token) }
    if tokens.isEmpty {
      for token in suppressedAtStart { forbid(token) }
    }
    if tokens.count < leastTokens, !tokens.isEmpty { forbid(from: endOfText) }
    if uniqueRun > 1 { for token in endings(of: tokens) { forbid(token) } }
    forbid(noTimestamps)
    guard usesTimestamps else {
      forbid(from: firstTimestamp)
      return
    }

    let lastIsTimestamp = tokens.last.map { $0 >= firstTimestamp } ?? false
    let isPair = tokens.count < 2 || tokens[tokens.count - 2] >= firstTimestamp
    if lastIsTimestamp {
      if isPair { forbid(from: firstTimestamp) } else { forbid(0..<endOfText) }
    }
    if let latest = tokens.last(where: { $0 >= firstTimestamp }) {
      // The second of a pair may repeat the first; text takes time.
      forbid(firstTimestamp..<(lastIsTimestamp && !isPair ? latest : latest + 1))
    }
    if latestEnd < scores.count { forbid(from: firstTimestamp + max(latestEnd, 1) + 1) }
    if tokens.isEmpty {
      forbid(0..<firstTimestamp)
      forbid(from: firstTimestamp + latestStart + 1)
    }
    if tokens.count >= leastTokens { preferTimestamps(scores) }
  }

  /// Where all timestamps together are likelier than any other token, one of them comes.
  private func preferTimestamps(_ scores: UnsafeMutableBufferPointer<Float>) {
    guard firstTimestamp > 0, firstTimestamp < scores.count else { return }
    let text = largest(UnsafeBufferPointer(rebasing: scores[..<firstTimestamp]))
    let times = UnsafeBufferPointer(rebasing: scores[firstTimestamp...])
    let top = largest(times)
    guard top > -.infinity else { return }
    // log Σ exp over the timestamps; those far below the top add nothing.
    var sum: Float = 0
    for score in times where score > top - 15 { sum += exponential(score - top) }
    if top + logarithm(sum) > text { scores[..<firstTimestamp].update(repeating: -.infinity) }
  }

  /// Tokens that would complete a run of `uniqueRun` tokens that is there already.
  private func endings(of tokens: [Int]) -> [Int] {
    let text = tokens.filter { $0 < firstTimestamp }
    let length = uniqueRun - 1
    guard text.count >= length + 1 else { return [] }
    let tail = text[(text.count - length)...]
    return (0..<(text.count - length)).filter { text[$0..<($0 + length)].elementsEqual(tail) }
      .map { text[$0 + length] }
  }
}
