// Float weights in panels.

import CSottoKernels

/// Float weights [rows, inputs] as panels [panel][input][row of the panel], for models that are not quantized.
public struct DenseWeights: Sendable {
  public let rows: Int
  public let inputs: Int
  private let panels: AlignedBuffer<Float>
  private let set: InstructionSet

  /// - Parameter elements: row-major [rows, inputs]; missing ones are 0.
  public init(rows: Int, inputs: Int, elements: [Float], set: InstructionSet = .best) {
    self.rows = rows
    self.inputs = inputs
    self.set = set
    let width = set.kernels.panel_rows
    panels = AlignedBuffer(count: (rows + width - 1) / width * width * inputs)
    for row in 0..<rows {
      let panel = panels.pointer + row / width * width * inputs + row % width
      for input in 0..<inputs {
        let index = row * inputs + input
        panel[input * width] = index < elements.count ? elements[index] : 0
      }
    }
  }

  /// The rows of several matrices of the same inputs one after another.
  public static func stacked(_ matrices: [DenseWeights]) -> DenseWeights {
    let inputs = matrices.first?.inputs ?? 0
    precondition(matrices.allSatisfy { $0.inputs == inputs }, "stacked weights differ in inputs")
    let elements = matrices.flatMap { matrix in (0..<matrix.rows).flatMap { matrix.row($0) } }
    return DenseWeights(rows: matrices.reduce(0) { $0 + $1.rows }, inputs: inputs, elements: elements)
  }

  func row(_ index: Int) -> [Float] {
    let width = set.kernels.panel_rows
    let panel = panels.pointer + index / width * width * inputs + index % width
    return (0..<inputs).map { panel[$0 * width] }
  }

  func product(_ columns: Columns, _ results: Results, _ workers: Workers) {
    let kernels = set.kernels
    let width = kernels.panel_rows
    let work = columns.count * rows * inputs
    (work > smallWork ? workers : .one).split(rows, step: width) { range in
      multiplyBlocked(columns, results, rows: range, inputs: inputs, kernels) { first, input, depth in
        (UnsafePointer(panels.pointer) + (first / width * inputs + input) * width, inputs * width)
      }
    }
  }
}

/// Multiplications below which threads cost more than they save.
let smallWork = 1 << 20

/// Rows that are multiplied with a block of columns before the next block is read, so that columns come from the first
/// cache and panels from the second.
private let rowsAtOnce = 32
private let columnsAtOnce = 96
/// Inputs of a panel that stay in the first cache.
private let depthAtOnce = 384

/// The product of all columns with rows given as panels: `panels(row, input, depth)` gives the panel of `row` from
/// `input` on, and the distance to the next panel.
func multiplyBlocked(
  _ columns: Columns, _ results: Results, rows: Range<Int>, inputs: Int, _ kernels: sotto_kernels,
  panels: (Int, Int, Int) -> (UnsafePointer<Float>, Int)
) {
  let width = kernels.panel_rows
  for first in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsAtOnce) {
    let last = min(first + rowsAtOnce, rows.upperBound)
    for input in stride(from: 0, to: inputs, by: depthAtOnce) {
      let depth = min(depthAtOnce, inputs - input)
      let (base, distance) = panels(first, input, depth)
      for column in stride(from: 0, to: columns.count, by: columnsAtOnce) {
        let count = min(columnsAtOnce, columns.count - column)
        for row in stride(from: first, to: last, by: width) {
          kernels.panel_product(
            columns.base + column * columns.distance + input, columns.distance, count,
            base + (row - first) / width * distance, width, depth,
            results.base + column * results.distance + row, results.distance, min(width, last - row),
            input > 0 ? 1 : 0)
        }
      }
    }
  }
}
