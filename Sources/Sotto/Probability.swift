// Probabilities and their logarithms.

import Glibc

func exponential(_ x: Float) -> Float { expf(x) }
func exponential(_ x: Double) -> Double { exp(x) }
func logarithm(_ x: Double) -> Double { log(x) }

/// The geometric mean of probabilities, from the mean of their logarithms, in 0...1.
func probability(mean: Float) -> Double { Double(min(max(expf(mean), 0), 1)) }
