// A start for groups that take few values, such as weights that are binary codes already.

/// Scales from the distinct magnitudes m_1 > m_2 > ... of a group, where these are few.
///
/// Up to `planes` magnitudes are always met exactly, by the codes + + ... +, + ... + -, + ... - -. More of them are
/// taken as the levels of a code: the distances of all levels from the greatest are the sums of the subsets of the
/// doubled scales, so that the smallest distance that the scales found so far do not explain is the next one. Where
/// a level does not occur, this gives a start that need not be exact.
///
/// - Parameters:
///   - values: [count], magnitudes of at most 1; magnitudes closer than 1e-5 count as one.
///   - scales: [planes] on return true.
/// - Returns: false where the magnitudes are too many.
func startFromFewValues(
  _ values: UnsafePointer<Float>, count: Int, planes: Int, scales: UnsafeMutablePointer<Float>
) -> Bool {
  let tolerance: Float = 1e-5
  let most = max(planes, min(1 << (planes - 1), count / 2))
  var magnitudes: [Float] = []
  for index in 0..<count {
    let magnitude = abs(values[index])
    let place = magnitudes.firstIndex { $0 <= magnitude + tolerance } ?? magnitudes.count
    if place < magnitudes.count, abs(magnitudes[place] - magnitude) <= tolerance { continue }
    if magnitudes.count == most { return false }
    magnitudes.insert(magnitude, at: place)
  }
  guard let greatest = magnitudes.first, let least = magnitudes.last else { return false }

  scales.update(repeating: 0, count: planes)
  if magnitudes.count <= planes {
    scales[0] = (greatest + least) / 2
    for index in 1..<max(magnitudes.count, 1) {
      scales[index] = (magnitudes[index - 1] - magnitudes[index]) / 2
    }
    return true
  }
  let distances = magnitudes.map { greatest - $0 } + magnitudes.reversed().map { greatest + $0 }
  var sums: [Float] = [0]
  for plane in 0..<planes {
    let isNew = { (distance: Float) in !sums.contains { abs($0 - distance) <= 4 * tolerance } }
    guard let next = distances.first(where: isNew) else { break }
    scales[planes - 1 - plane] = next / 2
    sums += sums.map { $0 + next }
  }
  return true
}
