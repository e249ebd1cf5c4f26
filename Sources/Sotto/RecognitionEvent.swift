// What a stream has to say.

import SottoDecoding

/// Text of an utterance that is still growing.
public struct PartialResult: Sendable, Hashable {
  /// Words that will not change any more; with an attention model, their case and punctuation may until the utterance is final.
  public var committed: String
  /// Words that may change.
  public var volatile: String
  /// Where the utterance starts, in seconds of the stream.
  public var start: Double
  /// Seconds of the stream that had arrived when this was known, the time to compute it not counted.
  public var time: Double

  /// All of it.
  public var text: String { [committed, volatile].filter { !$0.isEmpty }.joined(separator: " ") }
}

public enum RecognitionEvent: Sendable, Hashable {
  /// The text of the utterance under way has changed.
  case partial(PartialResult)
  /// An utterance is over, by a rule, or because the stream was ended (nil). Its text begins with all words that were committed.
  case final(Segment, Endpointing.Rule?)
}
