// Score matrices of CTC models for tests, and what they mean by definition.

import Foundation
import SottoKernels
import SottoTestSupport

enum CTC {
  /// Random log probabilities, [frames, classes]; the larger `sharpness`, the more certain.
  static func random(_ seed: UInt64, frames: Int, classes: Int, sharpness: Double = 2) -> Matrix {
    var random = SplitMix(state: seed)
    return matrix(
      (0..<frames).map { _ in
        normalized((0..<classes).map { _ in random.nextUnit() * sharpness })
      })
  }

  /// Frames that say one class each, the others sharing what is left.
  static func saying(_ classes: [Int], of count: Int, probability: Float = 0.99) -> Matrix {
    let rest = log((1 - probability) / Float(count - 1))
    return matrix(classes.map { said in (0..<count).map { $0 == said ? log(probability) : rest } })
  }

  static func matrix(_ rows: [[Float]]) -> Matrix {
    Matrix(rows: rows.count, columns: rows.first?.count ?? 0, elements: rows.flatMap { $0 })
  }

  static func normalized(_ logits: [Double]) -> [Float] {
    let sum = log(logits.reduce(0) { $0 + exp($1) })
    return logits.map { Float($0 - sum) }
  }

  /// The tokens that one class a frame stands for.
  static func collapsed(_ classes: some Sequence<Int>) -> [Int] {
    var tokens: [Int] = []
    var last = 0
    for next in classes {
      if next != 0, next != last { tokens.append(next - 1) }
      last = next
    }
    return tokens
  }

  /// The class with the largest score of each row.
  static func likeliest(_ scores: Matrix) -> [Int] {
    (0..<scores.rows).map { row in
      let row = scores.row(row)
      return row.indices.dropFirst().reduce(0) { row[$1] > row[$0] ? $1 : $0 }
    }
  }

  /// Calls `visit` for every way to choose a class in each frame, with its log probability.
  static func everyPath(_ scores: Matrix, _ visit: ([Int], Double) -> Void) {
    func step(_ path: [Int], _ total: Double) {
      guard path.count < scores.rows else { return visit(path, total) }
      for next in 0..<scores.columns {
        let score = Double(scores[path.count, next])
        if score > -.infinity { step(path + [next], total + score) }
      }
    }
    step([], 0)
  }

  /// The log probability of every text, summed over all paths that stand for it.
  static func everyText(_ scores: Matrix) -> [[Int]: Double] {
    var sums: [[Int]: Double] = [:]
    everyPath(scores) { path, total in sums[collapsed(path), default: 0] += exp(total) }
    return sums.mapValues { log($0) }
  }
}
