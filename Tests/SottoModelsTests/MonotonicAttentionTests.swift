// Stops, attention and pieces of monotonic chunkwise attention against PyTorch.

import Foundation
import SottoKernels
import SottoTestSupport
import Testing

@testable import SottoModels

@Suite struct MonotonicAttentionTests {
  private static let path = TestSignal.goldenPath("random-mocha.safetensors")
  private static let text = [2, 0, 0, 18, 6]

  /// In each row after each prefix: log-odds of a stop, log-probabilities of the pieces.
  private static func scores(_ file: ModelFile) throws -> [Float] {
    let context = ComputeContext()
    let rows = try GoldenStream.rows(file)
    let model = try MonotonicAttention(file)
    var prefixes = [model.start(context)]
    for piece in text { prefixes.append(model.extended(prefixes[prefixes.count - 1], by: piece, context)) }
    var result: [Float] = []
    var past = MonotonicAttention.Past()
    var block = Matrix(rows: 0, columns: 0)
    for (row, onsets) in rows.onsets.enumerated() {
      model.hear(rows.heard.rows(row..<(row + 1)), &past, context)
      let stops = model.stops(past, onsets: onsets, after: prefixes)
      model.score(past, onsets: onsets, after: prefixes, into: &block, context)
      for place in prefixes.indices { result += [stops[place]] + block.row(place) }
    }
    return result
  }

  @Test func scoresEqualPyTorch() throws {
    let golden = try TestSignal.values("random-mocha-scores.f32")
    let scores = try Self.scores(ModelFile(path: Self.path))
    #expect(golden.count == 25 * 6 * 20 && scores.count == golden.count)
    #expect(zip(scores, golden).allSatisfy { abs($0 - $1) < 5e-4 })
  }

  @Test func codedModelIsClose() throws {
    let folder = try TemporaryFolder()
    for name in ["random-mocha.safetensors", "random-stream.safetensors"] {
      try FileManager.default.copyItem(
        atPath: TestSignal.goldenPath(name), toPath: "\(folder.path)/\(name)")
    }
    let coded = "\(folder.path)/coded.safetensors"
    let report = try ModelQuantizer.quantize(
      input: ModelFile(path: "\(folder.path)/random-mocha.safetensors"), output: coded,
      recipe: QuantizationRecipe(bits: 8, group: .inputs(16)))
    #expect(report.entries.count == 10)
    let golden = try TestSignal.values("random-mocha-scores.f32")
    #expect(zip(try Self.scores(ModelFile(path: coded)), golden).allSatisfy { abs($0 - $1) < 0.2 })
  }

  @Test func modelsOfOtherFamilies() throws {
    let transducer = try ModelFile(path: TestSignal.goldenPath("random-rnnt.safetensors"))
    #expect(throws: ModelError.self) { try MonotonicAttention(transducer) }
    let mocha = try ModelFile(path: Self.path)
    #expect(throws: ModelError.self) { try Transducer(mocha) }
  }
}
