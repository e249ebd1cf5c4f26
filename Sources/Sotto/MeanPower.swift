// How loud samples are.

/// The mean of the squares of samples; 0 of none.
func meanPower(_ samples: ArraySlice<Float>) -> Float {
  samples.reduce(0) { $0 + $1 * $1 } / Float(max(samples.count, 1))
}
