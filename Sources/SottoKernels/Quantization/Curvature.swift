// Second moments of a layer's inputs, prepared for quantization.

import Dispatch

/// H = E[x xᵀ] of the inputs x of a matrix W, which weighs the error E = W - Ŵ of its coding as the layer's output
/// feels it: E‖E x‖² = tr(E H Eᵀ) (arXiv 2210.17323).
struct Curvature: Sendable {
  let inputs: Int
  /// What was added to the diagonal of `moments`.
  let damping: Float
  /// Floats from one row of `moments` or `factor` to the next; rows are filled up with zeros.
  let stride: Int
  /// H scaled to a mean diagonal of 1, then damped, [inputs, stride].
  let moments: AlignedBuffer<Float>
  /// U with H⁻¹ = Uᵀ U, upper triangular, [inputs, stride]. Row j tells how the error of column j is best made good
  /// in the columns after it.
  let factor: AlignedBuffer<Float>
  /// 1 / U[j, j]², what an error of column j costs if the columns after it make good what they can.
  let weights: [Float]

  /// - Parameters:
  ///   - moments: [inputs, inputs], symmetric and not negative; only the lower triangle is read.
  ///   - columnScale: factors that the columns of W are divided by before coding.
  ///   - damping: added to the diagonal, relative to its mean.
  /// - Returns: nil where all moments are 0, so that they tell nothing.
  /// - Throws: `BinaryCodingError` where the shape is another, or values are not finite or impossible.
  init?(moments: Matrix, columnScale: [Float]?, inputs: Int, damping: Float) throws {
    guard moments.rows == inputs, moments.columns == inputs else {
      throw BinaryCodingError.shape(
        "second moments of \(moments.rows) × \(moments.columns) for a matrix with \(inputs) inputs")
    }
    guard moments.withUnsafeElements({ $0.allSatisfy(\.isFinite) }), damping.isFinite, damping >= 0 else {
      throw BinaryCodingError.notFinite("the second moments")
    }
    let scale = (columnScale ?? [Float](repeating: 1, count: inputs)).map(Double.init)
    var values = [Double](repeating: 0, count: inputs * inputs)
    moments.withUnsafeElements { source in
      for row in 0..<inputs {
        for column in 0...row {
          values[row * inputs + column] = Double(source[row * inputs + column]) * scale[row] * scale[column]
        }
      }
    }
    let diagonal = (0..<inputs).map { values[$0 * inputs + $0] }
    guard diagonal.allSatisfy({ $0 >= 0 }) else {
      throw BinaryCodingError.shape("second moments with a negative diagonal")
    }
    let mean = diagonal.reduce(0, +) / Double(inputs)
    guard mean > 0, mean.isFinite else { return nil }
    for index in values.indices { values[index] /= mean }
    for index in 0..<inputs { values[index * inputs + index] += Double(damping) }

    self.inputs = inputs
    self.damping = damping
    let stride = (inputs + 15) & ~15
    self.stride = stride
    self.moments = AlignedBuffer(count: inputs * stride)
    for row in 0..<inputs {
      for column in 0...row {
        self.moments.pointer[row * stride + column] = Float(values[row * inputs + column])
        self.moments.pointer[column * stride + row] = Float(values[row * inputs + column])
      }
    }
    guard let factor = Self.inverseFactor(values, count: inputs) else {
      throw BinaryCodingError.shape("second moments that are not positive")
    }
    self.factor = AlignedBuffer(count: inputs * stride)
    for row in 0..<inputs {
      for column in row..<inputs {
        self.factor.pointer[row * stride + column] = Float(factor[row * inputs + column])
      }
    }
    weights = (0..<inputs).map { Float(1 / (factor[$0 * inputs + $0] * factor[$0 * inputs + $0])) }
    guard weights.allSatisfy(\.isFinite) else {
      throw BinaryCodingError.shape("second moments that are not positive")
    }
  }

  /// The upper triangular U with A⁻¹ = Uᵀ U.
  ///
  /// With the order of rows and columns turned round, A = L Lᵀ becomes A = M Mᵀ with M upper triangular, and U = M⁻¹.
  private static func inverseFactor(_ matrix: [Double], count n: Int) -> [Double]? {
    var lower = [Double](repeating: 0, count: n * n)
    for row in 0..<n {
      for column in 0...row {
        lower[row * n + column] = matrix[(n - 1 - column) * n + (n - 1 - row)]
      }
    }
    let isPositive = lower.withUnsafeMutableBufferPointer { lower -> Bool in
      guard let base = lower.baseAddress else { return false }
      return factorize(base, count: n)
    }
    guard isPositive else { return nil }

    // The columns of L⁻¹ are independent; turned round, column j is column n - 1 - j of U.
    var result = [Double](repeating: 0, count: n * n)
    result.withUnsafeMutableBufferPointer { result in
      lower.withUnsafeBufferPointer { lower in
        guard let lower = lower.baseAddress, let result = result.baseAddress else { return }
        let target = SendablePointer(result)
        let source = SendablePointer(UnsafeMutablePointer(mutating: lower))
        DispatchQueue.concurrentPerform(iterations: n) { column in
          invertColumn(column, of: source.pointer, count: n, into: target.pointer)
        }
      }
    }
    return result
  }

  /// Cholesky's factor of the lower triangle, in place.
  private static func factorize(_ a: UnsafeMutablePointer<Double>, count n: Int) -> Bool {
    for row in 0..<n {
      let rowStart = a + row * n
      for column in 0..<row {
        let value = rowStart[column] - dot(rowStart, a + column * n, count: column)
        rowStart[column] = value / a[column * n + column]
      }
      let pivot = rowStart[row] - dot(rowStart, rowStart, count: row)
      guard pivot > 0, pivot.isFinite else { return false }
      rowStart[row] = pivot.squareRoot()
    }
    return true
  }

  /// Column j of L⁻¹ by forward substitution, written as column n - 1 - j of U.
  private static func invertColumn(
    _ column: Int, of lower: UnsafeMutablePointer<Double>, count n: Int,
    into result: UnsafeMutablePointer<Double>
  ) {
    let values = AlignedBuffer<Double>(count: n - column)
    let x = values.pointer
    x[0] = 1 / lower[column * n + column]
    for row in (column + 1)..<max(n, column + 1) {
      let sum = dot(lower + row * n + column, x, count: row - column)
      x[row - column] = -sum / lower[row * n + row]
    }
    for row in column..<n { result[(n - 1 - row) * n + n - 1 - column] = x[row - column] }
  }

  private static func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, count: Int) -> Double {
    var sum = SIMD8<Double>.zero
    var index = 0
    let (rawA, rawB) = (UnsafeRawPointer(a), UnsafeRawPointer(b))
    while index + 8 <= count {
      sum +=
        rawA.loadUnaligned(fromByteOffset: index * 8, as: SIMD8<Double>.self)
        * rawB.loadUnaligned(fromByteOffset: index * 8, as: SIMD8<Double>.self)
      index += 8
    }
    var rest = 0.0
    while index < count {
      rest += a[index] * b[index]
      index += 1
    }
    return sum.sum() + rest
  }
}

/// A pointer that several threads write through, each to its own part.
struct SendablePointer<Element>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Element>
  init(_ pointer: UnsafeMutablePointer<Element>) { self.pointer = pointer }
}
