// A small model with random weights, against PyTorch.

import Foundation
import SottoKernels
import SottoTestSupport
import Testing

@testable import SottoModels

@Suite struct RandomModelTests {
  private static func load() throws -> (file: ModelFile, features: Matrix) {
    let file = try ModelFile(path: TestSignal.goldenPath("random-model.safetensors"))
    let features = Matrix(rows: 60, columns: 80, elements: try TestSignal.values("random-model-input.f32"))
    return (file, features)
  }

  private static func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
  }

  @Test(arguments: [1, 2]) func encoderStatesEqualPyTorch(threads: Int) throws {
    let (file, features) = try Self.load()
    let states = try AudioEncoder(file)(features, ComputeContext(workers: Workers(count: threads)))
    let golden = try TestSignal.values("random-model-states.f32")
    #expect(Self.largestDifference(states.elements, golden) < 2e-5)
  }

  @Test func decoderLogitsEqualPyTorchFedAtOnceAndOneByOne() throws {
    let (file, features) = try Self.load()
    let context = ComputeContext()
    let states = AudioEncoder.States(states: try AudioEncoder(file)(features, context))
    let decoder = try AttentionDecoder(file)
    let tokens = [51, 54, 3, 17, 8, 40]
    let golden = try TestSignal.values("random-model-logits.f32")
    let session = DecoderSession(decoder, encoded: states, slots: 16, context: context)

    var logits = Matrix(rows: 0, columns: 0)
    session.logits(session.feed(prompt: tokens).states, into: &logits)
    #expect(Self.largestDifference(logits.elements, golden) < 5e-5)

    session.reset()
    var past: [Int32] = []
    for (index, token) in tokens.enumerated() {
      // A second hypothesis with another token beside it changes nothing.
      let (slots, hidden) = session.feed([.init(token: token, past: past), .init(token: 5, past: past)])
      session.logits(hidden, into: &logits)
      #expect(Self.largestDifference(logits.row(0), Array(golden[(index * 86)..<((index + 1) * 86)])) < 5e-5)
      past.append(slots[0])
    }
  }

  @Test func whatDoesNotFitIsNotFed() throws {
    let (file, features) = try Self.load()
    let context = ComputeContext()
    let states = AudioEncoder.States(states: try AudioEncoder(file)(features, context))
    let session = DecoderSession(try AttentionDecoder(file), encoded: states, slots: 3, context: context)
    #expect(session.feed(prompt: [1, 2, 3, 4]).slots == [0, 1, 2])
    #expect(session.slotsLeft == 0)
    #expect(session.feed(prompt: [1]).slots.isEmpty)
  }

  @Test func mergedPaddingOfStrideOneIsTheWholeWindow() throws {
    let (file, features) = try Self.load()
    let encoder = try AudioEncoder(file)
    let whole = encoder(features, ComputeContext())
    let states = encoder(features, speech: 10, window: 30, stride: 1, ComputeContext())
    #expect(states.bias == nil)
    #expect(states.states.elements == whole.elements)
  }

  @Test func mergedStatesCountAsManyPositions() throws {
    let (file, features) = try Self.load()
    let encoder = try AudioEncoder(file)
    let states = encoder(features.rows(0..<24), speech: 10, window: 30, stride: 8, ComputeContext())
    #expect(states.states.rows == 13)
    let bias = try #require(states.bias)
    #expect(bias[..<10].allSatisfy { $0 == 0 })
    #expect(zip(bias[10...], [8, 8, 4]).allSatisfy { abs($0 - log(Float($1))) < 1e-6 })
  }
}
