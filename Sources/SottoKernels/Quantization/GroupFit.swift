// Scales and codes for one group of weights: greedy start, then alternating least squares.

/// Fits min Σ_j w_j (x_j - Σ_p α_p b_jp)² over scales α and signs b, by turns: each weight takes the code of its
/// nearest level, then the scales are solved for with the codes fixed (alternating minimization as in arXiv 1802.00150,
/// with its greedy start, and a second start from evenly spaced levels; the better end is kept).
///
/// An object holds the memory for one thread.
struct GroupFit {
  /// Turns at most; it mostly ends earlier, at an improvement below `tolerance`.
  private static let mostTurns = 30
  private static let tolerance = 1e-5
  /// Relative to the mean of the normal equations' diagonal; 2e-3 was seen to cost accuracy.
  private static let ridge = 1e-6
  /// Half of the smallest float16; a group below has no scale but 0.
  private static let smallest: Float = 0x1p-25

  private enum Start: CaseIterable { case greedy, even, fewValues }

  private(set) var levels = CodeLevels()
  private let capacity: Int
  private let scaled: AlignedBuffer<Float>
  /// Sums by code: weights, weights times values; then their Walsh-Hadamard transforms.
  private let sums = AlignedBuffer<Double>(count: 2 * CodeLevels.mostLevels)
  private let small = AlignedBuffer<Double>(count: 8 * 8 + 8)
  private let trial = AlignedBuffer<Float>(count: 8)

  /// - Parameter capacity: the longest group.
  init(capacity: Int) {
    self.capacity = capacity
    scaled = AlignedBuffer(count: capacity)
  }

  /// Fits a group.
  ///
  /// - Parameters:
  ///   - values: [count], finite.
  ///   - weights: [count], none negative; importance of each value.
  ///   - scales: [planes] on return, values of float16, none negative, the greatest first.
  /// On return `levels` holds the levels of the scales.
  mutating func fit(
    _ values: UnsafePointer<Float>, weights: UnsafePointer<Float>, count: Int, planes: Int,
    scales: UnsafeMutablePointer<Float>
  ) {
    precondition(count <= capacity)
    scales.update(repeating: 0, count: planes)
    var greatest: Float = 0
    for index in 0..<count { greatest = max(greatest, abs(values[index])) }
    if greatest >= Self.smallest {
      for index in 0..<count { scaled.pointer[index] = values[index] / greatest }
      var best = Double.infinity
      for start in Start.allCases {
        switch start {
        case .greedy: startGreedily(weights, count: count, planes: planes)
        case .even: startEvenly(weights, count: count, planes: planes)
        case .fewValues:
          let isPossible = startFromFewValues(
            scaled.pointer, count: count, planes: planes, scales: trial.pointer)
          if !isPossible { continue }
        }
        let error = alternate(weights, count: count, planes: planes)
        if error < best || best == .infinity {
          best = error
          scales.update(from: trial.pointer, count: planes)
        }
      }
      for plane in 0..<planes {
        scales[plane] = Float(FloatConversion.float16(from: scales[plane] * greatest))
      }
      _ = normalizeScales(scales, planes: planes)
    }
    levels.set(scales: scales, planes: planes)
  }

  /// Sets `levels` to those of known scales.
  mutating func setLevels(_ scales: UnsafePointer<Float>, planes: Int) {
    levels.set(scales: scales, planes: planes)
  }

  /// Each scale is the mean magnitude of what the scales before it leave.
  private func startGreedily(_ weights: UnsafePointer<Float>, count: Int, planes: Int) {
    var total: Float = 0
    for index in 0..<count { total += weights[index] }
    for plane in 0..<planes {
      var sum: Float = 0
      for index in 0..<count {
        var rest = scaled.pointer[index]
        for earlier in 0..<plane { rest -= rest > 0 ? trial.pointer[earlier] : -trial.pointer[earlier] }
        sum += weights[index] * abs(rest)
      }
      trial.pointer[plane] = total > 0 ? sum / total : 0
    }
  }

  /// Evenly spaced levels that reach as far as a few standard deviations, as suits a bell-shaped distribution.
  private func startEvenly(_ weights: UnsafePointer<Float>, count: Int, planes: Int) {
    var total: Float = 0
    var squares: Float = 0
    for index in 0..<count {
      total += weights[index]
      squares += weights[index] * scaled.pointer[index] * scaled.pointer[index]
    }
    let deviation = total > 0 ? (squares / total).squareRoot() : 1
    let reach = min(1, deviation * (1.2 + 0.4 * Float(planes)))
    for plane in 0..<planes {
      trial.pointer[plane] = reach * Float(1 << (planes - 1 - plane)) / Float((1 << planes) - 1)
    }
  }

  /// Improves `trial` until it improves no more.
  ///
  /// - Returns: the error that the scales in `trial` have.
  private mutating func alternate(_ weights: UnsafePointer<Float>, count: Int, planes: Int) -> Double {
    var kept = (0..<planes).map { trial.pointer[$0] }
    var keptError = Double.infinity
    for _ in 0..<Self.mostTurns {
      levels.set(scales: trial.pointer, planes: planes)
      let error = assignCodes(weights, count: count, planes: planes)
      let isBetter = error < keptError * (1 - Self.tolerance)
      if error < keptError {
        keptError = error
        for plane in 0..<planes { kept[plane] = trial.pointer[plane] }
      }
      if !isBetter || error == 0 || !solveScales(planes: planes) { break }
    }
    for plane in 0..<planes { trial.pointer[plane] = kept[plane] }
    return keptError
  }

  /// Takes the nearest level for each value and gathers the sums by code.
  ///
  /// - Returns: the weighted squared error.
  private func assignCodes(_ weights: UnsafePointer<Float>, count: Int, planes: Int) -> Double {
    let weightSums = sums.pointer
    let valueSums = sums.pointer + levels.count
    sums.pointer.update(repeating: 0, count: 2 * levels.count)
    var error = 0.0
    for index in 0..<count {
      let value = scaled.pointer[index]
      let code = Int(levels.nearest(value))
      let weight = Double(weights[index])
      let difference = Double(value - levels.values[code])
      error += weight * difference * difference
      weightSums[code] += weight
      valueSums[code] += weight * Double(value)
    }
    return error
  }

  /// Solves the normal equations of the scales. With the sums by code, entry (p, q) of the matrix, Σ_j w_j b_jp b_jq,
  /// is the Walsh-Hadamard coefficient of the weights at the mask of p and q, and likewise the right side.
  private func solveScales(planes: Int) -> Bool {
    let weightSums = sums.pointer
    let valueSums = sums.pointer + levels.count
    transform(weightSums, count: levels.count)
    transform(valueSums, count: levels.count)
    let matrix = small.pointer
    let vector = small.pointer + planes * planes
    for row in 0..<planes {
      for column in 0..<planes {
        matrix[row * planes + column] = weightSums[row == column ? 0 : 1 << row | 1 << column]
      }
      // A clear bit means -1: the sign of the transform at one bit is turned.
      vector[row] = -valueSums[1 << row]
    }
    guard solveRidged(matrix, vector, count: planes, ridge: Self.ridge) else { return false }
    // Values are at most 1; greater scales only cancel each other, and float16 would lose what they leave.
    guard (0..<planes).allSatisfy({ abs(vector[$0]) <= 4 }) else { return false }
    for plane in 0..<planes { trial.pointer[plane] = Float(vector[plane]) }
    _ = normalizeScales(trial.pointer, planes: planes)
    return true
  }

  /// Walsh-Hadamard transform: at index m, Σ_k x_k · (-1)^(bits that k and m share).
  private func transform(_ values: UnsafeMutablePointer<Double>, count: Int) {
    var half = 1
    while half < count {
      var start = 0
      while start < count {
        for index in start..<(start + half) {
          let (a, b) = (values[index], values[index + half])
          values[index] = a + b
          values[index + half] = a - b
        }
        start += 2 * half
      }
      half *= 2
    }
  }
}
