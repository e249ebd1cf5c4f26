// The two convolutions at the start of a streaming encoder, block by block.

import SottoKernels

/// Log-mel features [T, bands] in any pieces to states [T / 2, width], block after block. What the next block needs of the one before is
/// kept: the convolutions reach one feature past a block, so that a block of b states is complete with 2 b + 1 features.
struct ChunkedConvolution {
  private let first: Convolution
  private let second: Convolution
  private let bands: Int
  private let width: Int
  /// The range of features.
  private let lowest: Float
  private let highest: Float

  /// States of the block under way.
  private var block: Int
  /// The feature before the block, its features, and the one after: [2 block + 2, bands].
  private var features: Matrix
  /// Features that lie there, from the second row on.
  private(set) var filled = 0
  /// The same for the first convolution, without the one after: [2 block + 1, width].
  private var convolved: Matrix
  private var firstOutput = Matrix(rows: 0, columns: 0)

  /// - Parameter block: states of the first block.
  init(_ encoder: ChunkedEncoder, block: Int) {
    (first, second, bands, width) = (encoder.first, encoder.second, encoder.bands, encoder.width)
    (lowest, highest) = (encoder.lowest, encoder.highest)
    self.block = block
    features = Matrix(rows: 2 * block + 2, columns: bands)
    convolved = Matrix(rows: 2 * block + 1, columns: width)
  }

  /// Features that the block under way still needs.
  var missing: Int { 2 * block + 1 - filled }

  /// Takes `count` features from row `first` of `new` on, no more than are missing.
  mutating func take(_ new: Matrix, from first: Int, count: Int) {
    let (bands, lowest, highest, target) = (bands, lowest, highest, 1 + filled)
    new.withUnsafeElements { source in
      features.withUnsafeMutableElements { features in
        for index in 0..<(count * bands) {
          let value = source[first * bands + index]
          // Comparing this way round takes NaN for silence.
          features[target * bands + index] = value > lowest ? min(value, highest) : lowest
        }
      }
    }
    filled += count
  }

  /// Writes the states of the block, which is complete, and begins one of `next` states.
  mutating func complete(into x: inout Matrix, next: Int, _ context: ComputeContext) {
    first(padded: features, into: &firstOutput, context)
    firstOutput.applyGELU(workers: context.workers)
    convolved.replaceRows(from: 1, with: firstOutput)
    second(padded: convolved, into: &x, context)
    x.applyGELU(workers: context.workers)
    // The last of this block, and the first of the next, which has come already.
    features.moveRows(from: 2 * block, to: 0, count: 2)
    convolved.moveRows(from: 2 * block, to: 0, count: 1)
    filled = 1
    guard next != block else { return }
    let (carriedFeatures, carriedRow) = (features.rows(0..<2), convolved.rows(0..<1))
    block = next
    features = Matrix(rows: 2 * block + 2, columns: bands)
    convolved = Matrix(rows: 2 * block + 1, columns: width)
    features.replaceRows(from: 0, with: carriedFeatures)
    convolved.replaceRows(from: 0, with: carriedRow)
  }

  /// Writes the states of what came of a block, the last one: zeros follow the last feature and, for themselves, the last frame of the
  /// first convolution.
  mutating func completeLast(into x: inout Matrix, _ context: ComputeContext) {
    let count = (filled + 1) / 2
    var cut = Matrix(rows: filled + 2, columns: bands)
    cut.replaceRows(from: 0, with: features.rows(0..<(filled + 1)))
    first(padded: cut, into: &firstOutput, context)
    firstOutput.applyGELU(workers: context.workers)
    var padded = Matrix(rows: 2 * count + 1, columns: width)
    padded.replaceRows(from: 0, with: convolved.rows(0..<1))
    padded.replaceRows(from: 1, with: firstOutput)
    second(padded: padded, into: &x, context)
    x.applyGELU(workers: context.workers)
  }
}
