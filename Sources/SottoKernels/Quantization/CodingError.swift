// How far a coded matrix is from its original.

/// Error of a coding, relative to the matrix.
public struct CodingError: Sendable, Hashable {
  /// ‖W - Ŵ‖ / ‖W‖.
  public let relative: Double
  /// The same for the layer's output, √(tr(E H Eᵀ) / tr(W H Wᵀ)); nil without second moments.
  public let output: Double?

  /// - Parameters:
  ///   - weights: the original, of the same shape as `coded`.
  ///   - moments: second moments of the inputs, [inputs, inputs].
  public init(of coded: BinaryCodedRows, against weights: Matrix, moments: Matrix? = nil, threads: Int = 0) {
    let (rows, columns) = (coded.outputs, coded.inputs)
    guard weights.rows == rows, weights.columns == columns else {
      (relative, output) = (.infinity, nil)
      return
    }
    let moments = moments?.rows == columns && moments?.columns == columns ? moments : nil
    // Sums of each row: error and weights squared, then both under the moments.
    let sums = AlignedBuffer<Double>(count: 4 * rows)
    Quantizer.forEachBlock(of: rows, threads: threads) {
    } body: { _, row in
      let original = weights.row(row)
      let error = zip(original, coded.decodeRow(row)).map { $0 - $1 }
      let sum = sums.pointer + 4 * row
      sum[0] = error.reduce(0) { $0 + Double($1) * Double($1) }
      sum[1] = original.reduce(0) { $0 + Double($1) * Double($1) }
      if let moments {
        sum[2] = Self.quadraticForm(error, moments)
        sum[3] = Self.quadraticForm(original, moments)
      }
    }
    let totals = (0..<4).map { index in (0..<rows).reduce(0) { $0 + sums.pointer[4 * $1 + index] } }
    func ratio(_ error: Double, _ whole: Double) -> Double {
      whole > 0 ? max(error / whole, 0).squareRoot() : error > 0 ? .infinity : 0
    }
    relative = ratio(totals[0], totals[1])
    output = moments == nil ? nil : ratio(totals[2], totals[3])
  }

  /// x H xᵀ.
  private static func quadraticForm(_ x: [Float], _ moments: Matrix) -> Double {
    let count = x.count
    var product = [Float](repeating: 0, count: count)
    product.withUnsafeMutableBufferPointer { product in
      moments.withUnsafeElements { moments in
        for row in 0..<count {
          let value = x[row]
          for column in 0..<count { product[column] += value * moments[row * count + column] }
        }
      }
    }
    return zip(x, product).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
}
