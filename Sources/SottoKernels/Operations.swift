// Operations on matrices of activations other than products with weights.

import CSottoKernels

extension Matrix {
  /// self += other, element by element. Sizes must agree.
  public mutating func add(_ other: Matrix) {
    precondition(rows == other.rows && columns == other.columns, "sizes of the sum differ")
    other.withUnsafeElements { source in
      withUnsafeMutableElements { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        InstructionSet.best.kernels.add(to, from, source.count)
      }
    }
  }

  /// self *= factor.
  public mutating func scale(by factor: Float) {
    withUnsafeMutableElements { elements in
      for index in elements.indices { elements[index] *= factor }
    }
  }

  /// Adds the rows `range` of `other` to the rows from `first` on.
  public mutating func add(rows range: Range<Int>, of other: Matrix, at first: Int) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= other.rows && columns == other.columns && first >= 0
        && first + range.count <= rows, "rows of the sum are out of range")
    let columns = columns
    other.withUnsafeElements { source in
      withUnsafeMutableElements { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        InstructionSet.best.kernels.add(
          to + first * columns, from + range.lowerBound * columns, range.count * columns)
      }
    }
  }

  /// Gaussian error linear unit of every element, the exact form x Φ(x).
  public mutating func applyGELU(workers: Workers = .one) {
    withUnsafeMutableElements { target in
      guard let base = target.baseAddress else { return }
      let shared = Results(base: base, distance: 1)
      (target.count > smallWork / 8 ? workers : .one).split(target.count, step: 64) { range in
        InstructionSet.best.kernels.gelu(shared.base + range.lowerBound, range.count)
      }
    }
  }

  /// Each row normalised to mean 0 and variance 1 (plus 1e-5), times `gain`, plus `bias`, both [columns].
  public func layerNormalized(gain: [Float], bias: [Float]) -> Matrix {
    precondition(gain.count == columns && bias.count == columns, "sizes of the norm differ")
    var result = Matrix(uninitializedRows: rows, columns: columns)
    withUnsafeElements { source in
      result.withUnsafeMutableElements { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        InstructionSet.best.kernels.layer_norm(from, rows, columns, gain, bias, to)
      }
    }
    return result
  }

  /// log Σ exp of one row, and its largest element.
  public func logSumExp(row: Int) -> (value: Float, largest: Float) {
    withUnsafeElements { elements in
      guard let base = elements.baseAddress else { return (-.infinity, -.infinity) }
      var largest: Float = 0
      let value = InstructionSet.best.kernels.log_sum_exp(base + row * columns, columns, &largest)
      return (value, largest)
    }
  }
}

/// log Σ exp of scores, and the largest of them; -∞ for none.
public func logSumExp(_ scores: UnsafeBufferPointer<Float>) -> (value: Float, largest: Float) {
  guard let base = scores.baseAddress, !scores.isEmpty else { return (-.infinity, -.infinity) }
  var largest: Float = 0
  let value = InstructionSet.best.kernels.log_sum_exp(base, scores.count, &largest)
  return (value, largest)
}
