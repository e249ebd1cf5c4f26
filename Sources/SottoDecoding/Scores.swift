// Sums and largest values of scores.

import Glibc
import SottoKernels

func exponential(_ x: Float) -> Float { expf(x) }
func logarithm(_ x: Float) -> Float { logf(x) }

/// The largest score; -∞ for none.
func largest(_ scores: UnsafeBufferPointer<Float>) -> Float { logSumExp(scores).largest }

/// The `count` best tokens and their scores, best first; those of -∞ and NaN are left out. Equal scores: the smaller
/// token first.
func bestTokens(_ scores: UnsafeBufferPointer<Float>, count: Int) -> [(token: Int, score: Float)] {
  var best: [(token: Int, score: Float)] = []
  var threshold = -Float.infinity
  for token in scores.indices where scores[token] > threshold {
    let score = scores[token]
    let place = best.firstIndex { $0.score < score } ?? best.count
    best.insert((token, score), at: place)
    if best.count > count { best.removeLast() }
    if best.count == count { threshold = best[count - 1].score }
  }
  return best
}

/// log(eᵃ + eᵇ).
func logAdd(_ a: Float, _ b: Float) -> Float {
  let (high, low) = a >= b ? (a, b) : (b, a)
  // Beyond this a single-precision sum does not change.
  let distance = low - high
  return distance > -17 ? high + log1pf(expf(distance)) : high
}

/// A log probability as searches can use it: what is none (NaN) is -∞, what rounding put above 0 is 0.
func logProbability(_ value: Float) -> Float { value <= 0 ? value : value > 0 ? 0 : -.infinity }
