// How a recogniser decodes; data only.

import SottoDecoding

/// Options of recognition, with the defaults that the program uses.
public struct RecognizerConfiguration: Sendable {
  /// Hypotheses kept by the beam search; 1 is greedy.
  public var beam = 5
  /// Readings given for each segment, at most `beam`; 1 gives the best alone.
  public var nBest = 1
  /// Words with their times and confidences in each segment.
  public var wordTimes = false
  /// Threads that compute. 0: one for each core.
  public var threads = 0
  /// Seconds of speech that are decoded at once, at most; cut at pauses. On 13 minutes of real speech in one recording,
  /// 30 s lost five times as many words as 14 s: over long pieces the attention decoder leaves out whole sentences.
  public var longestChunk = 15.0
  /// Start each segment from the text of the one before. Off: errors do not carry over.
  public var carryText = false

  /// Fill the model's window with silence position by position, as the original does. Off: the silence is merged where
  /// the model allows it, several times faster, for the same words but for a few.
  public var fullWindow = false

  /// Length of the chunks that a streaming model hears at once, in ms; nil for the model's choice.
  public var chunkMilliseconds: Int?
  /// Language model over the model's tokens; of two passes, the first's.
  public var languageModel: LanguageModel?
  /// That of the second pass, where there is one.
  public var secondPassLanguageModel: LanguageModel?
  /// Words and phrases to listen for.
  public var bias: BiasList?
  /// What ends an utterance, for streaming models.
  public var endpointing = Endpointing.Configuration.balanced

  public init() {}
}
