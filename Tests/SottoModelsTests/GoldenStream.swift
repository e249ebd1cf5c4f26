// What models that stand on the random CTC model are given.

import Foundation
import SottoKernels
import SottoTestSupport

@testable import SottoModels

enum GoldenStream {
  /// Probabilities of what begins, by definition.
  private static func onsets(_ scores: Matrix) -> [[Float]] {
    (0..<scores.rows).map { row in
      let now = scores.row(row).map { exp($0) }
      let before = row > 0 ? scores.row(row - 1).map { exp($0) } : now.map { _ in 0 }
      var values = zip(now, before).map { log(max($0 * (1 - $1), 1e-6)) }
      values[0] = log(now[0] + zip(now, before).dropFirst().reduce(0) { $0 + $1.0 * $1.1 })
      return values
    }
  }

  /// Log-probabilities of what begins in each row of the golden input, and what is heard there [rows, 12].
  ///
  /// - Parameter file: a model that stands on the random CTC model.
  static func rows(_ file: ModelFile) throws -> (onsets: [[Float]], heard: Matrix) {
    let stream = try CTCStream(CTCModel(try file.base()), chunkMilliseconds: 160)
    var (scores, heard): ([Float], [Float]) = ([], [])
    func take(_ rows: Matrix) {
      scores += rows.elements
      heard += stream.heard.elements
    }
    let values = try TestSignal.values("random-stream-input.f32")
    try stream.push(Matrix(rows: values.count / 80, columns: 80, elements: values), take)
    stream.finish(take)
    let onsets = onsets(Matrix(rows: scores.count / 20, columns: 20, elements: scores))
    return (onsets, Matrix(rows: onsets.count, columns: 12, elements: heard))
  }
}
