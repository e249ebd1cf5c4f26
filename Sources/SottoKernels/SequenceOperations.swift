// Operations of recurrent and streaming layers, which write to matrices that are there already.

import CSottoKernels

extension Matrix {
  /// Each row normalised to mean 0 and variance 1 (plus 1e-5), times `gain`, plus `bias`, both [columns], written to
  /// `result`, which is replaced where its size is another.
  public func layerNormalized(gain: [Float], bias: [Float], into result: inout Matrix) {
    precondition(gain.count == columns && bias.count == columns, "sizes of the norm differ")
    if result.rows != rows || result.columns != columns {
      result = Matrix(uninitializedRows: rows, columns: columns)
    }
    withUnsafeElements { source in
      result.withUnsafeMutableElements { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        InstructionSet.best.kernels.layer_norm(from, rows, columns, gain, bias, to)
      }
    }
  }

  /// Subtracts log Σ exp of each row from its elements: scores become log-probabilities.
  public mutating func applyLogSoftmax() {
    let (rows, columns) = (rows, columns)
    withUnsafeMutableElements { elements in
      guard let base = elements.baseAddress else { return }
      let kernels = InstructionSet.best.kernels
      for row in 0..<rows {
        var largest: Float = 0
        let scores = base + row * columns
        let sum = kernels.log_sum_exp(scores, columns, &largest)
        for column in 0..<columns { scores[column] -= sum }
      }
    }
  }

  /// Copies rows of this matrix over each other: `count` rows from `source` on to those from `target` on.
  public mutating func moveRows(from source: Int, to target: Int, count: Int) {
    precondition(
      source >= 0 && target >= 0 && count >= 0 && source + count <= rows && target + count <= rows,
      "rows out of range")
    let columns = columns
    withUnsafeMutableElements { elements in
      guard let base = elements.baseAddress else { return }
      (base + target * columns).update(from: base + source * columns, count: count * columns)
    }
  }

  /// One step of an LSTM: replaces `cell` and `hidden`, [1, width], given what the input and the hidden state add to the
  /// gates (input, forget, cell, output): a row of `inputGates` and the only one of `hiddenGates`, [., 4 * width].
  public static func stepLSTM(
    _ inputGates: Matrix, row: Int, hiddenGates: Matrix, cell: inout Matrix, hidden: inout Matrix
  ) {
    let width = cell.columns
    precondition(
      cell.rows == 1 && hidden.rows == 1 && hidden.columns == width && hiddenGates.rows == 1
        && hiddenGates.columns == 4 * width && inputGates.columns == 4 * width && row >= 0
        && row < inputGates.rows, "sizes of an LSTM's step differ")
    inputGates.withUnsafeElements { first in
      hiddenGates.withUnsafeElements { second in
        cell.withUnsafeMutableElements { cell in
          hidden.withUnsafeMutableElements { hidden in
            guard let a = first.baseAddress, let b = second.baseAddress, let c = cell.baseAddress,
              let h = hidden.baseAddress
            else { return }
            InstructionSet.best.kernels.lstm_cell(a + row * 4 * width, b, width, c, h)
          }
        }
      }
    }
  }
}
