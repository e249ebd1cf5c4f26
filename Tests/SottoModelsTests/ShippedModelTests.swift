// The model that the program comes with, against the float weights in PyTorch.
//
// With the environment variable SOTTO_FLOAT_MODEL, a float model from tools/import_whisper.py, the same is tested on it
// within the tolerance of two float engines.

import Foundation
import SottoFeatures
import SottoKernels
import SottoTestSupport
import Testing

@testable import SottoModels

@Suite struct ShippedModelTests {
  struct Case: Sendable {
    var path: String
    /// ‖states − golden‖ / ‖golden‖ over the stored rows.
    var states: Double
    /// Largest difference of log probabilities among likely tokens.
    var scores: Float
  }

  static var cases: [Case] {
    let shipped = Case(
      path: TestSignal.goldenPath("../../models/tiny.en.safetensors"), states: 0.15, scores: 1)
    let float = ProcessInfo.processInfo.environment["SOTTO_FLOAT_MODEL"]
    return [shipped] + (float.map { [Case(path: $0, states: 1e-4, scores: 5e-3)] } ?? [])
  }

  private struct Step: Decodable {
    var tokens: [Int]
    var argmax: Int
    var logSumExp: Float
    var nearStart: Int
    var near: [Float]
  }

  @Test(arguments: cases) func statesAndScoresAreThoseOfPyTorch(_ example: Case) throws {
    let file = try ModelFile(path: example.path)
    let context = ComputeContext(workers: Workers())
    let features = try LogMel()(try TestSignal.samples("speech.s16"), paddedTo: 480_000)
    let states = try AudioEncoder(file)(features, context)
    #expect(states.rows == 1500 && states.columns == 384)

    let golden = Matrix(rows: 6, columns: 384, elements: try TestSignal.values("encoder-rows.f32"))
    var (difference, size) = (0.0, 0.0)
    for (index, row) in [0, 1, 50, 100, 200, 1499].enumerated() {
      for (a, b) in zip(states.row(row), golden.row(index)) {
        difference += Double(a - b) * Double(a - b)
        size += Double(b) * Double(b)
      }
    }
    #expect((difference / size).squareRoot() < example.states)

    let json = try Data(contentsOf: URL(filePath: TestSignal.goldenPath("decoder-logits.json")))
    let session = DecoderSession(
      try AttentionDecoder(file), encoded: .init(states: states), slots: 64, context: context)
    var logits = Matrix(rows: 0, columns: 0)
    for step in try JSONDecoder().decode([Step].self, from: json) {
      session.reset()
      let hidden = session.feed(prompt: step.tokens).states
      session.logits(hidden.rows((hidden.rows - 1)..<hidden.rows), into: &logits)
      let scores = logits.row(0)
      #expect(scores[step.argmax] >= (scores.max() ?? .infinity) - example.scores)
      let normalizer = logits.logSumExp(row: 0).value
      for (offset, value) in step.near.enumerated() where value - step.logSumExp > -8 {
        let result = scores[step.nearStart + offset] - normalizer
        #expect(abs(result - (value - step.logSumExp)) < example.scores)
      }
    }
  }
}
