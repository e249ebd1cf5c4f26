// What the confidence of a word is worth.

/// From the geometric mean of the probabilities of a word's tokens to how often such words are right:
/// 1 / (1 + exp(−(slope · ln(p / (1 − p)) + offset))). Rising, so that the order of words stays; 0 and 1 stay, too.
struct WordCalibration: Sendable {
  var slope: Double
  var offset: Double

  /// For tiny.en with a beam of 5: the map of the largest likelihood for some 1400 words of 100 synthesised clips
  /// (tools/benchmarks/calibration.py; docs/calibration.md has the curve on real speech).
  static let attention = WordCalibration(slope: 0.884, offset: 0.761)

  func callAsFunction(_ probability: Double) -> Double {
    guard probability > 0 else { return 0 }
    guard probability < 1 else { return 1 }
    return 1 / (1 + exponential(-(slope * logarithm(probability / (1 - probability)) + offset)))
  }
}
