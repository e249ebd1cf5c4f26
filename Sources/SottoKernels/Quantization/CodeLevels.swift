// The values that a group of weights can take: all signed sums of its scales.

/// The 2^q levels of q scales in ascending order, with the codes that give them. Bit p of a code is the sign of scale p:
/// set +1, clear -1. Memory for 8 planes is allocated once; `set` reuses it.
struct CodeLevels {
  static let mostLevels = 1 << BinaryCodedTensor.mostPlanes

  private let floats = AlignedBuffer<Float>(count: 4 * mostLevels)
  private let codes = AlignedBuffer<UInt8>(count: 2 * mostLevels)
  private(set) var count = 1

  /// The level of each code, [2^q].
  var values: UnsafeMutablePointer<Float> { floats.pointer }
  private var sorted: UnsafeMutablePointer<Float> { floats.pointer + Self.mostLevels }
  private var thresholds: UnsafeMutablePointer<Float> { floats.pointer + 2 * Self.mostLevels }
  private var merged: UnsafeMutablePointer<Float> { floats.pointer + 3 * Self.mostLevels }
  private var sortedCodes: UnsafeMutablePointer<UInt8> { codes.pointer }
  private var mergedCodes: UnsafeMutablePointer<UInt8> { codes.pointer + Self.mostLevels }

  /// Takes the levels of `scales`, [planes], none of them negative.
  mutating func set(scales: UnsafePointer<Float>, planes: Int) {
    sorted[0] = 0
    sortedCodes[0] = 0
    count = 1
    for plane in 0..<planes { add(scale: scales[plane], bit: UInt8(1) << UInt8(plane)) }
    for index in 0..<count { values[Int(sortedCodes[index])] = sorted[index] }
    for index in 0..<(count - 1) { thresholds[index] = 0.5 * sorted[index] + 0.5 * sorted[index + 1] }
  }

  /// Merges the sorted levels moved down by `scale` with the same moved up.
  private mutating func add(scale: Float, bit: UInt8) {
    var low = 0
    var high = 0
    for index in 0..<(2 * count) {
      if high == count || (low < count && sorted[low] - scale <= sorted[high] + scale) {
        merged[index] = sorted[low] - scale
        mergedCodes[index] = sortedCodes[low]
        low += 1
      } else {
        merged[index] = sorted[high] + scale
        mergedCodes[index] = sortedCodes[high] | bit
        high += 1
      }
    }
    count *= 2
    sorted.update(from: merged, count: count)
    sortedCodes.update(from: mergedCodes, count: count)
  }

  /// The code whose level is nearest to `value`.
  @inline(__always) func nearest(_ value: Float) -> UInt8 {
    var position = 0
    var step = count >> 1
    while step > 0 {
      position &+= value > thresholds[position &+ step &- 1] ? step : 0
      step >>= 1
    }
    return sortedCodes[position]
  }
}

/// Brings scales into their normal form, none negative and the greatest first, which leaves the levels the same.
///
/// - Returns: for each code the code that has its level in the new order; nil where nothing changed.
func normalizeScales(_ scales: UnsafeMutablePointer<Float>, planes: Int) -> [UInt8]? {
  let old = (0..<planes).map { scales[$0] }
  // Stable, so that the result does not depend on the sorting algorithm.
  let order = (0..<planes).sorted { abs(old[$0]) != abs(old[$1]) ? abs(old[$0]) > abs(old[$1]) : $0 < $1 }
  if order.elementsEqual(0..<planes), old.allSatisfy({ $0 >= 0 }) { return nil }
  for (new, plane) in order.enumerated() { scales[new] = abs(old[plane]) }
  return (0..<(1 << planes)).map { code in
    var result = 0
    for (new, plane) in order.enumerated() where (code >> plane & 1 == 1) == (old[plane] >= 0) {
      result |= 1 << new
    }
    return UInt8(result)
  }
}
