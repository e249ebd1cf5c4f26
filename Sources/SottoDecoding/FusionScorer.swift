// What a search adds to a model's own scores, token by token: n-gram models (`NGramFusion`), phrases (`ContextBias`).

/// Scores the tokens of a hypothesis one after another, whatever model they come from. A weight, and what a token is
/// rewarded or fined, are the scorer's own matter. (A `TokenScorer` is the model itself, where a model steps from token to
/// token.)
///
/// Searches ask for many continuations that come to nothing; so a state is 64 bits that mean what the scorer
/// likes: a node of a trie, or the last tokens.
public protocol FusionScorer: Sendable {
  /// The state before the first token.
  var start: UInt64 { get }

  /// What `token` adds to the total log probability of a hypothesis in `state`, and the state after it. Negative is
  /// unlikely; what was added too early may be taken back with a later token.
  func advance(_ state: UInt64, by token: Int) -> (score: Float, state: UInt64)

  /// What the end of the text adds.
  func finish(_ state: UInt64) -> Float

  /// Whether it knows of every text how likely it is, so that what a model has learnt of that itself is counted twice.
  var isLanguageModel: Bool { get }

  /// Whether anything that was added may be taken back.
  var takesBack: Bool { get }

  /// How much of what was added till `state` is taken back if nothing comes of it. Pruning does not count on it.
  func tentative(_ state: UInt64) -> Float

  /// Appends the tokens that searches should try even where the model does not list them among the likeliest; some may be
  /// appended twice.
  func appendFavoured(in state: UInt64, to list: inout [Int])
}

extension FusionScorer {
  public func finish(_ state: UInt64) -> Float { 0 }
  public var isLanguageModel: Bool { false }
  public var takesBack: Bool { false }
  public func tentative(_ state: UInt64) -> Float { 0 }
  public func appendFavoured(in state: UInt64, to list: inout [Int]) {}
}
