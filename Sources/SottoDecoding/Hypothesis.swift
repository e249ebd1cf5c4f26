// A reading in the making.

/// Tokens with their log probabilities, whatever search they come from; the prompt and the end of text are not among them.
public struct Hypothesis: Sendable, Hashable {
  public var tokens: [Int] = []
  /// Natural logarithm of each token's probability.
  public var scores: [Float] = []
  /// The frame at which each token was said, never decreasing; empty where the search does not know.
  public var frames: [Int] = []
  /// Sum of the scores, the end of text included once it is reached.
  public var total: Float = 0
  /// Whether the end of text was reached.
  public var isFinished = false

  public init() {}

  /// Mean log probability of a token, by which hypotheses of different length are compared.
  public var mean: Float { total / Float(tokens.count + (isFinished ? 1 : 0)).clamped(to: 1...) }

  public func extended(by token: Int, score: Float) -> Hypothesis {
    var next = self
    next.tokens.append(token)
    next.scores.append(score)
    next.total += score
    return next
  }

  /// The first `count` tokens.
  public func cut(to count: Int) -> Hypothesis {
    var next = Hypothesis()
    for (token, score) in zip(tokens, scores).prefix(count) { next = next.extended(by: token, score: score) }
    next.frames = Array(frames.prefix(count))
    return next
  }

  func finished(score: Float) -> Hypothesis {
    var next = self
    next.total += score
    next.isFinished = true
    return next
  }
}

extension Float {
  func clamped(to range: PartialRangeFrom<Float>) -> Float { Swift.max(self, range.lowerBound) }
}
