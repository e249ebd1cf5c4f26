// What can be wrong with what searches and alignment are given.

import Foundation

/// Errors of this module.
public enum DecodingError: Error, Sendable, Hashable, LocalizedError, CustomStringConvertible {
  /// A vocabulary of word pieces that cannot be used.
  case pieces(reason: String)
  /// A block of scores that is not as wide as the vocabulary and the blank.
  case classes(got: Int, needed: Int)
  /// A block of what an acoustic model heard that does not fit the scores, or the model that stands on it.
  case heard(rows: Int, width: Int, neededRows: Int, neededWidth: Int)
  /// A token that the model has no score for.
  case unknownToken(Int, size: Int)
  /// A language model that cannot be used or made.
  case languageModel(reason: String)
  /// An ARPA file that breaks off or breaks its form; the number of the line.
  case arpa(line: Int, reason: String)
  /// A phrase to listen for that cannot be used.
  case biasPhrase(String, reason: String)
  /// The same in a file; the number of the line.
  case biasFile(line: Int, reason: String)
  /// Text that has no tokens in the vocabulary.
  case nothingToAlign
  /// Audio too short for the text: each token takes a frame, and a token said twice one more.
  case tooFewFrames(got: Int, needed: Int)

  public var description: String {
    switch self {
    case .pieces(let reason):
      "the vocabulary of word pieces is not valid: \(reason). Fetch or make the model file again."
    case .classes(let got, let needed):
      "the scores have \(got) classes, the vocabulary and the blank are \(needed): use the model's own vocabulary"
    case .heard(let rows, let width, let neededRows, let neededWidth):
      "what was heard is \(rows) rows of width \(width), \(neededRows) of \(neededWidth) are needed: "
        + "use the acoustic model that the decoder was trained on"
    case .unknownToken(let token, let size):
      "token \(token) is not one of the \(size) of the vocabulary: make tokens with the model's own vocabulary"
    case .languageModel(let reason):
      "the language model is not valid: \(reason). Make it again with sotto lm build."
    case .arpa(let line, let reason): "line \(line): \(reason). Write the ARPA file again."
    case .biasPhrase(let phrase, let reason): "the phrase “\(phrase)” cannot be listened for: \(reason)"
    case .biasFile(let line, let reason):
      "line \(line): \(reason). Give a phrase a line, with a weight after a tab or a colon where you want one."
    case .nothingToAlign: "there is nothing in the text that the model's vocabulary can spell"
    case .tooFewFrames(let got, let needed):
      "the audio has \(got) frames, the text needs at least \(needed): it is not a transcript of this audio"
    }
  }

  public var errorDescription: String? { description }
}
