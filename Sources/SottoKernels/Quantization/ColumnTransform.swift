// Column vectors that make a matrix easier to code.

/// The part of a matrix that all its rows share: W[r, c] = scale[c] · V[r, c] + offset[c], with V the part to be coded.
///
/// In an embedding the column means are large (they cost half of the accuracy at 4 bits if left in), and columns
/// differ in spread.
public struct ColumnTransform: Sendable, Hashable {
  /// [inputs], values of float16, none of them 0; nil for 1.
  public let scale: [Float]?
  /// [inputs], values of float16; nil for 0.
  public let offset: [Float]?

  /// Fits the vectors to a matrix.
  ///
  /// - Parameters:
  ///   - centered: take out the mean of each column.
  ///   - scaled: even out the spread of the columns, rows counted relative to their own spread.
  public init(fitting weights: Matrix, centered: Bool, scaled: Bool) {
    let (rows, columns) = (weights.rows, weights.columns)
    var offset = [Float](repeating: 0, count: columns)
    if centered, rows > 0 {
      var sums = [Double](repeating: 0, count: columns)
      weights.withUnsafeElements { elements in
        for row in 0..<rows {
          for column in 0..<columns { sums[column] += Double(elements[row * columns + column]) }
        }
      }
      offset = sums.map { Float(FloatConversion.float16(from: Float($0 / Double(rows)))) }
    }
    self.offset = centered ? offset : nil
    scale = scaled ? Self.spread(of: weights, around: offset) : nil
  }

  /// Scales for which columns have the same spread, by turns with the rows' own spread, which their scales take up.
  private static func spread(of weights: Matrix, around offset: [Float]) -> [Float] {
    let (rows, columns) = (weights.rows, weights.columns)
    var scale = [Double](repeating: 1, count: columns)
    for _ in 0..<3 {
      var sums = [Double](repeating: 0, count: columns)
      weights.withUnsafeElements { elements in
        for row in 0..<rows {
          var square = 0.0
          for column in 0..<columns {
            let value = Double(elements[row * columns + column] - offset[column]) / scale[column]
            square += value * value
          }
          guard square > 0 else { continue }
          for column in 0..<columns {
            let value = Double(elements[row * columns + column] - offset[column])
            sums[column] += value * value / square
          }
        }
      }
      let mean = sums.reduce(0, +) / Double(max(columns, 1))
      // A column without spread keeps a scale, so that nothing is divided by 0.
      scale = sums.map { mean > 0 ? max(($0 / mean).squareRoot(), 1e-3) : 1 }
    }
    return scale.map { Float(FloatConversion.float16(from: Float($0))) }
  }

  /// V, the part to be coded.
  func normalized(_ weights: Matrix) -> Matrix {
    if scale == nil && offset == nil { return weights }
    var result = weights
    let columns = weights.columns
    result.withUnsafeMutableElements { elements in
      for row in 0..<weights.rows {
        for column in 0..<columns {
          let value = elements[row * columns + column] - (offset?[column] ?? 0)
          elements[row * columns + column] = value / (scale?[column] ?? 1)
        }
      }
    }
    return result
  }
}
