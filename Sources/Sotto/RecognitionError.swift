// What can go wrong in recognition itself.

import Foundation

/// Errors of this module.
public enum RecognitionError: Error, Sendable, Hashable, LocalizedError, CustomStringConvertible {
  /// The audio has a rate that the model was not made for.
  case sampleRate(got: Int, needed: Int)
  /// A stream was given audio after its end.
  case finished
  /// Readings of a growing utterance cannot follow one another so soon, or late.
  case interval(model: String, milliseconds: Int, allowed: ClosedRange<Int>)
  /// Two models that cannot be the two passes of a recognition.
  case passes(first: String, second: String)

  public var description: String {
    switch self {
    case .sampleRate(let got, let needed):
      "the audio has \(got) samples a second, the model needs \(needed): open it with AudioInput, which converts"
    case .finished: "the stream has ended: reset it, or make another one, for more audio"
    case .passes(let first, let second):
      "\(first) and \(second) make no two passes: the first has to be a streaming model, the second an attention model"
    case .interval(let model, let milliseconds, let allowed):
      "\(model) cannot give partial results every \(milliseconds) ms: choose \(allowed.lowerBound) to \(allowed.upperBound)"
    }
  }

  public var errorDescription: String? { description }
}
