// One way to compute a product, with its weights, many times over if the model is to be larger than the caches.

import CBaseline
import COpenBLAS
import SottoKernels

/// Sizes of a product: outputs × inputs.
struct Shape: Hashable {
  let rows: Int
  let inputs: Int
}

/// A random matrix in binary coding and what the contestants make of it.
struct Problem {
  let shape: Shape
  let x: Matrix
  /// Bits and scales of four planes.
  private let bits: [UInt8]
  private let scales: [Float]
  static let mostPlanes = 4

  init(_ shape: Shape, mostColumns columns: Int, using random: inout some RandomNumberGenerator) {
    self.shape = shape
    x = Matrix(
      rows: columns, columns: shape.inputs,
      elements: (0..<(columns * shape.inputs)).map { _ in normal(using: &random) })
    bits = (0..<(Self.mostPlanes * shape.rows * shape.inputs / 8)).map { _ in
      UInt8(truncatingIfNeeded: random.next())
    }
    scales = (0..<(shape.rows * Self.mostPlanes)).map { index in
      0.02 / Float(1 << (index % Self.mostPlanes)) * Float.random(in: 0.7...1.3, using: &random)
    }
  }

  func coded(planes: Int) throws -> BinaryCodedRows {
    let kept = shape.rows * shape.inputs / 8 * planes
    let keptScales = (0..<(shape.rows * planes)).map { scales[$0 / planes * Self.mostPlanes + $0 % planes] }
    return try BinaryCodedRows(segments: [
      BinaryCodedTensor(
        outputs: shape.rows, inputs: shape.inputs, group: shape.inputs, planes: planes,
        bits: SharedBytes(Array(bits[..<kept])), scales: keptScales)
    ])
  }

  /// Dense weights of the first `planes` planes for the first `rows` rows.
  func weights(planes: Int, rows: Int) -> [Float] {
    var result = [Float](repeating: 0, count: rows * shape.inputs)
    for row in 0..<rows {
      for plane in 0..<planes {
        // Scales are stored as float16.
        let scale = Float(Float16(scales[row * Self.mostPlanes + plane]))
        let first = (plane * shape.rows + row) * shape.inputs / 8
        for k in 0..<shape.inputs {
          result[row * shape.inputs + k] += bits[first + k / 8] >> UInt8(k % 8) & 1 == 1 ? scale : -scale
        }
      }
    }
    return result
  }
}

func normal(using random: inout some RandomNumberGenerator) -> Float {
  // The sum of twelve uniform numbers.
  (0..<12).reduce(Float(-6)) { sum, _ in sum + Float.random(in: 0..<1, using: &random) }
}

/// Something that multiplies; call after call it takes the next of its copies of the weights.
final class Contestant {
  let name: String
  /// Planes; 0 for those that are not in binary coding.
  let planes: Int
  private let copies: Int
  private var next = 0
  private let call: (Int, Matrix, inout Matrix) -> Void

  private init(_ name: String, planes: Int, copies: Int, call: @escaping (Int, Matrix, inout Matrix) -> Void)
  {
    self.name = name
    self.planes = planes
    self.copies = copies
    self.call = call
  }

  func run(_ x: Matrix, into y: inout Matrix) {
    call(next, x, &y)
    next = (next + 1) % copies
  }

  static func sotto(_ problem: Problem, planes: Int, _ precision: ProductPrecision, copies: Int) throws
    -> Contestant
  {
    let coded = try problem.coded(planes: planes)
    let weights = (0..<copies).map { _ in Weights.binary(BinaryCodedMatrix(coded)) }
    return Contestant("sotto \(precision)", planes: planes, copies: copies) { copy, x, y in
      weights[copy].product(x, into: &y, precision: precision)
    }
  }

  static func openBLAS(_ problem: Problem, copies: Int) -> Contestant {
    let one = problem.weights(planes: 3, rows: problem.shape.rows)
    let all = (0..<copies).map { _ in one.map { $0 } }
    let (rows, inputs) = (Int32(problem.shape.rows), Int32(problem.shape.inputs))
    return Contestant("OpenBLAS", planes: 0, copies: copies) { copy, x, y in
      let columns = Int32(x.rows)
      x.withUnsafeElements { x in
        y.withUnsafeMutableElements { y in
          if columns == 1 {
            cblas_sgemv(
              CblasRowMajor, CblasNoTrans, rows, inputs, 1, all[copy], inputs, x.baseAddress, 1, 0,
              y.baseAddress,
              1)
          } else {
            cblas_sgemm(
              CblasRowMajor, CblasNoTrans, CblasTrans, columns, rows, inputs, 1, x.baseAddress, inputs,
              all[copy],
              inputs, 0, y.baseAddress, rows)
          }
        }
      }
    }
  }

  /// Weights rounded to 8 bits with a scale a row: packed by hand, or for oneDNN.
  static func int8(_ problem: Problem, oneDNN: Bool, copies: Int) -> Contestant {
    let (rows, inputs) = (problem.shape.rows, problem.shape.inputs)
    let dense = problem.weights(planes: 3, rows: rows)
    var scales = [Float](repeating: 0, count: rows)
    var integers = [Int8](repeating: 0, count: rows * inputs)
    for row in 0..<rows {
      let values = dense[(row * inputs)..<((row + 1) * inputs)]
      scales[row] = (values.map(abs).max() ?? 0) / 127
      for (k, value) in values.enumerated() {
        integers[row * inputs + k] = Int8((value / scales[row]).rounded())
      }
    }
    var scratch = [UInt8](repeating: 0, count: problem.x.rows * (inputs + 4 * rows) + 256)
    if oneDNN {
      let all = (0..<copies).map { _ in integers.map { $0 } }
      return Contestant("int8 oneDNN", planes: 0, copies: copies) { copy, x, y in
        x.withUnsafeElements { x in
          y.withUnsafeMutableElements { y in
            onednn_product(
              all[copy], scales, rows, inputs, x.baseAddress, x.count / inputs, &scratch, y.baseAddress)
          }
        }
      }
    }
    var packed = [UInt8](repeating: 0, count: baseline_packed_bytes(rows, inputs))
    baseline_pack(integers, rows, inputs, &packed)
    let all = (0..<copies).map { _ in packed.map { $0 } }
    return Contestant("int8", planes: 0, copies: copies) { copy, x, y in
      x.withUnsafeElements { x in
        y.withUnsafeMutableElements { y in
          baseline_product(
            all[copy], scales, rows, inputs, x.baseAddress, x.count / inputs, &scratch, y.baseAddress)
        }
      }
    }
  }
}
