// A reading in the making.

/// Tokens with their log probabilities, whatever search they come from; the prompt and the end of text are not among them.
public struct Hypothesis: Sendable, Hashable {
  public var tokens: [Int] = []
  /// Natural logarithm of each token's probability.
  public var scores: [Float] = []
  /// The frame at which each token was said, never decreasing; empty where the search does not know.
  public var frames: [Int] = []
  /// Sum of the scores, the end of text included once it is reached, and of what scorers added.
  public var total: Float = 0
  /// Of the total, what scorers added.
  public var fusion: Float = 0
  /// Whether the end of text was reached.
  public var isFinished = false

  public init() {}

  /// Mean log probability of a token, by which hypotheses of different length are compared.
  public var mean: Float { total / Float(tokens.count + (isFinished ? 1 : 0)).clamped(to: 1...) }

  /// The same of the model's own scores.
  public var modelMean: Float {
    (total - fusion) / Float(tokens.count + (isFinished ? 1 : 0)).clamped(to: 1...)
  }

  /// By which hypotheses of different length are compared where scorers added something: their mean is that of the model's
  /// scores, and what was added is spread over `length` tokens, the same for all. (Rewards are positive; in a mean they would
  /// make short texts of long ones.)
  public func value(length: Int) -> Float { modelMean + fusion / Float(length).clamped(to: 1...) }

  public func extended(by token: Int, score: Float, fusion added: Float = 0) -> Hypothesis {
    var next = self
    next.tokens.append(token)
    next.scores.append(score)
    next.total += score + added
    next.fusion += added
    return next
  }

  /// The first `count` tokens.
  public func cut(to count: Int) -> Hypothesis {
    var next = Hypothesis()
    for (token, score) in zip(tokens, scores).prefix(count) { next = next.extended(by: token, score: score) }
    next.frames = Array(frames.prefix(count))
    return next
  }

  func finished(score: Float, fusion added: Float = 0) -> Hypothesis {
    var next = self
    next.total += score + added
    next.fusion += added
    next.isFinished = true
    return next
  }
}

extension Float {
  func clamped(to range: PartialRangeFrom<Float>) -> Float { Swift.max(self, range.lowerBound) }
}
