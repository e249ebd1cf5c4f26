// Samples beyond the ends of a signal, mirrored at its first and last sample.

/// The index in 0..<count that stands for `index` when a signal of `count` ≥ 1 samples is continued by reflection
/// without repeating its end samples, as in NumPy's `reflect`; signals shorter than the padding bounce repeatedly.
func reflectedIndex(_ index: Int, count: Int) -> Int {
  if index >= 0, index < count { return index }
  guard count > 1 else { return 0 }
  let period = 2 * (count - 1)
  let remainder = ((index % period) + period) % period
  return remainder < count ? remainder : period - remainder
}
