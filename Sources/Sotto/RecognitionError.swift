// What can go wrong in recognition itself.

import Foundation

/// Errors of this module.
public enum RecognitionError: Error, Sendable, Hashable, LocalizedError, CustomStringConvertible {
  /// The audio has a rate that the model was not made for.
  case sampleRate(got: Int, needed: Int)
  /// A stream was given audio after its end.
  case finished

  public var description: String {
    switch self {
    case .sampleRate(let got, let needed):
      "the audio has \(got) samples a second, the model needs \(needed): open it with AudioInput, which converts"
    case .finished: "the stream has ended: reset it, or make another one, for more audio"
    }
  }

  public var errorDescription: String? { description }
}
