// What a search asks of a model that scores one token after another.

/// A model that scores next tokens: a decoder with its caches. States are cheap to copy.
public protocol TokenScorer: AnyObject {
  /// What the model remembers of a hypothesis.
  associatedtype State

  /// Feeds the prompt.
  ///
  /// - Parameter visit: gets the state after the prompt, and scores of all tokens as logits, which it may change.
  func begin(prompt: [Int], visit: (State, UnsafeMutableBufferPointer<Float>) -> Void)

  /// Feeds one token to each hypothesis.
  ///
  /// - Parameter visit: called for each item in order, with its index, its new state, and scores of all tokens as
  ///   logits, which it may change. Items for which there is no room left are left out.
  func advance(
    _ items: [(state: State, token: Int)], visit: (Int, State, UnsafeMutableBufferPointer<Float>) -> Void)
}
