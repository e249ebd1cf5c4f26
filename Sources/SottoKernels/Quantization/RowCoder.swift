// Codes one row of a matrix, with or without the second moments of the inputs.

/// One row's coding: a code a column (bit p: sign of plane p) and the scales of its groups. An object holds the memory
/// for one thread and is used for many rows.
final class RowCoder {
  /// Visits of each column in a turn.
  private static let sweeps = 2
  /// Relative to the diagonal of a group's normal equations; solved for changes, so it costs no accuracy.
  private static let ridge = 1e-6

  let inputs: Int
  let group: Int
  let planes: Int
  let curvature: Curvature?
  /// [inputs], what an error of each column costs where there are no second moments.
  let importance: [Float]
  /// Turns of the refinement under the second moments.
  let rounds: Int
  private var groups: Int { (inputs + group - 1) / group }

  /// The result for the last row: [inputs], and [groups, planes].
  let codes: AlignedBuffer<UInt8>
  let scales: AlignedBuffer<Float>

  private var fit: GroupFit
  private let candidateCodes: AlignedBuffer<UInt8>
  private let candidateScales: AlignedBuffer<Float>
  /// The row as columns before have changed it.
  private let current: AlignedBuffer<Float>
  private let error: AlignedBuffer<Float>
  /// error · H, [stride].
  private let gradient: AlignedBuffer<Float>
  /// B_p · H for the planes of one group, [planes, stride], and the signs of one group, [planes, group].
  private let products: AlignedBuffer<Float>
  private let signs: AlignedBuffer<Float>
  private let small = AlignedBuffer<Double>(count: 8 * 8 + 8)

  init(inputs: Int, group: Int, planes: Int, importance: [Float], curvature: Curvature?, rounds: Int = 3) {
    self.inputs = inputs
    self.group = group
    self.planes = planes
    self.curvature = curvature
    self.importance = importance
    self.rounds = rounds
    let stride = curvature?.stride ?? inputs
    let groups = (inputs + group - 1) / group
    codes = AlignedBuffer(count: inputs)
    scales = AlignedBuffer(count: groups * planes)
    fit = GroupFit(capacity: group)
    candidateCodes = AlignedBuffer(count: inputs)
    candidateScales = AlignedBuffer(count: groups * planes)
    current = AlignedBuffer(count: stride)
    error = AlignedBuffer(count: stride)
    gradient = AlignedBuffer(count: stride)
    products = AlignedBuffer(count: planes * stride)
    signs = AlignedBuffer(count: planes * group)
  }

  /// Codes a row; the result is in `codes` and `scales`.
  func code(_ row: UnsafePointer<Float>) {
    codePlainly(row)
    guard let curvature else { return }
    var best = objective(row, codes, scales, curvature)
    codeWithCompensation(row, curvature)
    refine(row, curvature, best: &best)
  }

  /// Makes the scales of the last row greater, by a share of what its code lacks of the row's length along the row.
  func restore(_ row: UnsafePointer<Float>, _ share: Float) {
    guard share > 0 else { return }
    var whole = 0.0
    var kept = 0.0
    forEachGroup { number, columns in
      fit.setLevels(scales.pointer + number * planes, planes: planes)
      for column in columns {
        whole += Double(row[column]) * Double(row[column])
        kept += Double(row[column]) * Double(fit.levels.values[Int(codes.pointer[column])])
      }
    }
    // A code that is far from its row says nothing of it.
    guard kept > 0.25 * whole else { return }
    let gain = 1 + Double(share) * (whole / kept - 1)
    for index in 0..<(groups * planes) {
      let scale = FloatConversion.float16(from: Float(Double(scales.pointer[index]) * gain))
      if scale.isFinite { scales.pointer[index] = Float(scale) }
    }
  }

  /// Nearest codes, each group for itself.
  private func codePlainly(_ row: UnsafePointer<Float>) {
    forEachGroup { number, columns in
      let start = columns.lowerBound
      importance.withUnsafeBufferPointer { importance in
        guard let weights = importance.baseAddress else { return }
        fit.fit(
          row + start, weights: weights + start, count: columns.count, planes: planes,
          scales: scales.pointer + number * planes)
      }
      for column in columns { codes.pointer[column] = fit.levels.nearest(row[column]) }
    }
  }

  /// Nearest codes column by column, the error of each made good by the columns after it, as in GPTQ
  /// (arXiv 2210.17323); scales are fitted as a group begins.
  private func codeWithCompensation(_ row: UnsafePointer<Float>, _ curvature: Curvature) {
    let current = current.pointer
    current.update(from: row, count: inputs)
    forEachGroup { number, columns in
      let start = columns.lowerBound
      curvature.weights.withUnsafeBufferPointer { weights in
        guard let weights = weights.baseAddress else { return }
        fit.fit(
          current + start, weights: weights + start, count: columns.count, planes: planes,
          scales: candidateScales.pointer + number * planes)
      }
      for column in columns {
        let code = fit.levels.nearest(current[column])
        candidateCodes.pointer[column] = code
        let factor = curvature.factor.pointer + column * curvature.stride
        let excess = (current[column] - fit.levels.values[Int(code)]) / factor[column]
        for later in (column + 1)..<max(inputs, column + 1) { current[later] -= excess * factor[later] }
      }
    }
  }

  private func forEachGroup(_ body: (Int, Range<Int>) -> Void) {
    var number = 0
    var start = 0
    while start < inputs {
      body(number, start..<min(start + group, inputs))
      start += group
      number += 1
    }
  }
}

// MARK: Under the second moments

extension RowCoder {
  /// Sets `error` and `gradient` for a coding.
  private func setError(
    _ row: UnsafePointer<Float>, _ codes: AlignedBuffer<UInt8>, _ scales: AlignedBuffer<Float>,
    _ curvature: Curvature
  ) {
    forEachGroup { number, columns in
      fit.setLevels(scales.pointer + number * planes, planes: planes)
      for column in columns {
        error.pointer[column] = row[column] - fit.levels.values[Int(codes.pointer[column])]
      }
    }
    let gradient = gradient.pointer
    gradient.update(repeating: 0, count: curvature.stride)
    for column in 0..<inputs {
      addScaled(
        curvature.moments.pointer + column * curvature.stride, error.pointer[column], to: gradient,
        count: curvature.stride)
    }
  }

  /// E H Eᵀ without the damping, from `error` and `gradient`.
  private var currentObjective: Double {
    let damping = curvature?.damping ?? 0
    var sum = 0.0
    for column in 0..<inputs {
      let undamped = gradient.pointer[column] - damping * error.pointer[column]
      sum += Double(error.pointer[column]) * Double(undamped)
    }
    return sum
  }

  private func objective(
    _ row: UnsafePointer<Float>, _ codes: AlignedBuffer<UInt8>, _ scales: AlignedBuffer<Float>,
    _ curvature: Curvature
  ) -> Double {
    setError(row, codes, scales, curvature)
    return currentObjective
  }

  /// Improves the candidate, group by group: least squares for the scales with the codes fixed, then the best code for
  /// each column with all others fixed. Keeps the best result in `codes` and `scales`.
  private func refine(_ row: UnsafePointer<Float>, _ curvature: Curvature, best: inout Double) {
    setError(row, candidateCodes, candidateScales, curvature)
    keepIfBetter(&best)
    for _ in 0..<rounds {
      forEachGroup { number, columns in
        refitScales(row, number, columns, curvature)
        improveCodes(row, columns, curvature)
      }
      keepIfBetter(&best)
    }
  }

  private func keepIfBetter(_ best: inout Double) {
    let value = currentObjective
    guard value < best else { return }
    best = value
    codes.pointer.update(from: candidateCodes.pointer, count: inputs)
    scales.pointer.update(from: candidateScales.pointer, count: groups * planes)
  }

  /// The scales of a group that minimize the objective, all else fixed. On return the levels are those of the group.
  private func refitScales(
    _ row: UnsafePointer<Float>, _ number: Int, _ columns: Range<Int>, _ curvature: Curvature
  ) {
    multiplySigns(columns, curvature)
    let matrix = small.pointer
    let vector = small.pointer + planes * planes
    for first in 0..<planes {
      let sign = signs.pointer + first * group
      var value = 0.0
      for index in 0..<columns.count {
        value += Double(sign[index]) * Double(gradient.pointer[columns.lowerBound + index])
      }
      vector[first] = value
      for second in 0...first {
        let product = products.pointer + second * curvature.stride + columns.lowerBound
        var value: Float = 0
        for index in 0..<columns.count { value += sign[index] * product[index] }
        matrix[first * planes + second] = Double(value)
      }
    }
    let scale = candidateScales.pointer + number * planes
    if solveRidged(matrix, vector, count: planes, ridge: Self.ridge) {
      apply(vector, to: scale, columns, curvature)
    }
    fit.setLevels(scale, planes: planes)
    for column in columns {
      error.pointer[column] = row[column] - fit.levels.values[Int(candidateCodes.pointer[column])]
    }
  }

  /// Adds the changes to the scales, rounds them to float16, and keeps codes and gradient in step.
  private func apply(
    _ changes: UnsafePointer<Double>, to scale: UnsafeMutablePointer<Float>, _ columns: Range<Int>,
    _ curvature: Curvature
  ) {
    var bound: Float = 0
    for plane in 0..<planes { bound += scale[plane] }
    let changed = (0..<planes).map { FloatConversion.float16(from: Float(Double(scale[$0]) + changes[$0])) }
    // Scales far above the sum that they had would only cancel each other.
    guard changed.allSatisfy({ abs(Float($0)) <= 2 * bound }) else { return }
    for plane in 0..<planes {
      let change = Float(changed[plane]) - scale[plane]
      scale[plane] = Float(changed[plane])
      addScaled(
        products.pointer + plane * curvature.stride, -change, to: gradient.pointer, count: curvature.stride)
    }
    if let table = normalizeScales(scale, planes: planes) {
      for column in columns {
        candidateCodes.pointer[column] = table[Int(candidateCodes.pointer[column])]
      }
    }
  }

  /// Sets `signs` for a group and `products` to signs · H.
  private func multiplySigns(_ columns: Range<Int>, _ curvature: Curvature) {
    for plane in 0..<planes {
      for (index, column) in columns.enumerated() {
        let isSet = candidateCodes.pointer[column] >> UInt8(plane) & 1 == 1
        signs.pointer[plane * group + index] = isSet ? 1 : -1
      }
    }
    let moments = UnsafeRawPointer(curvature.moments.pointer + columns.lowerBound * curvature.stride)
    let rowBytes = curvature.stride * 4
    let count = columns.count
    for start in stride(from: 0, to: curvature.stride, by: 16) {
      for plane in 0..<planes {
        let sign = signs.pointer + plane * group
        var sum = SIMD16<Float>.zero
        var place = moments + start * 4
        for index in 0..<count {
          sum += place.load(as: SIMD16<Float>.self) * sign[index]
          place += rowBytes
        }
        UnsafeMutableRawPointer(products.pointer + plane * curvature.stride + start)
          .storeBytes(of: sum, as: SIMD16<Float>.self)
      }
    }
  }

  /// Gives each column of a group, all others fixed, the level next to its best value.
  private func improveCodes(_ row: UnsafePointer<Float>, _ columns: Range<Int>, _ curvature: Curvature) {
    let (error, gradient, codes) = (error.pointer, gradient.pointer, candidateCodes.pointer)
    for _ in 0..<Self.sweeps {
      var changes = 0
      for column in columns {
        let moments = curvature.moments.pointer + column * curvature.stride
        let target = row[column] - error[column] + gradient[column] / moments[column]
        let code = fit.levels.nearest(target)
        if code == codes[column] { continue }
        let change = fit.levels.values[Int(codes[column])] - fit.levels.values[Int(code)]
        if change == 0 { continue }
        codes[column] = code
        error[column] += change
        addScaled(moments, change, to: gradient, count: curvature.stride)
        changes += 1
      }
      if changes == 0 { break }
    }
  }

  @inline(__always) private func addScaled(
    _ source: UnsafePointer<Float>, _ factor: Float, to target: UnsafeMutablePointer<Float>, count: Int
  ) {
    for index in 0..<count { target[index] += factor * source[index] }
  }
}
