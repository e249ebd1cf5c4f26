// The least values of the last frames of a stream.

/// Minimum over the last `length` vectors of `width` values, each on its own, in constant time a vector (van Herk
/// 1992): the window is the end of the block before, whose minima to its end are known, and the start of this block.
struct SlidingMinimum {
  let width: Int
  let length: Int
  /// Values of this block, [length, width].
  private var block: [Float]
  /// Minima from each vector of the block before to that block's end, [length + 1, width]; the last is infinity.
  private var previous: [Float]
  /// Minima of this block so far.
  private var current: [Float]
  private var position = 0

  init(width: Int, length: Int) {
    self.width = width
    self.length = length
    block = Array(repeating: .infinity, count: length * width)
    previous = Array(repeating: .infinity, count: (length + 1) * width)
    current = Array(repeating: .infinity, count: width)
  }

  /// Takes the next vector, [width], and returns the minima over it and those before it.
  mutating func push(_ values: [Float]) -> [Float] {
    if position == length { startBlock() }
    var minima = values
    for index in 0..<width {
      block[position * width + index] = values[index]
      current[index] = min(current[index], values[index])
      minima[index] = min(current[index], previous[(position + 1) * width + index])
    }
    position += 1
    return minima
  }

  private mutating func startBlock() {
    for index in (0..<(length * width)).reversed() {
      previous[index] = min(block[index], previous[index + width])
    }
    // From here on `previous` still ends in a row of infinity, the minimum over nothing.
    current = Array(repeating: .infinity, count: width)
    position = 0
  }
}
