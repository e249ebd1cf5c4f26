// The streaming CTC model: against PyTorch, and the same for any way of cutting the input.

import Foundation
import SottoFeatures
import SottoKernels
import SottoTestSupport
import Testing

@testable import SottoModels

@Suite struct StreamTests {
  /// 2 layers of width 16, chunks of 4, 8 and 16 states, 11 before a chunk and 6 after it.
  private static let path = TestSignal.goldenPath("random-stream.safetensors")
  private static let chunks = [4, 8, 16]

  private static func stream(_ chunk: Int) throws -> CTCStream {
    try CTCStream(CTCModel(ModelFile(path: path)), chunkMilliseconds: 20 * chunk)
  }

  private static func features(_ name: String = "random-stream-input.f32") throws -> Matrix {
    let values = try TestSignal.values(name)
    return Matrix(rows: values.count / 80, columns: 80, elements: values)
  }

  private static func elements(_ stream: CTCStream, _ pieces: [Matrix]) throws -> [Float] {
    try pieces.flatMap { try stream.push($0).elements } + stream.finish().elements
  }

  private static func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
  }

  @Test(arguments: chunks) func statesEqualPyTorch(chunk: Int) throws {
    let encoder = try ChunkedEncoder(ModelFile(path: Self.path))
    let state = ChunkedEncoder.State(encoder, chunk: chunk)
    var states: [Float] = []
    try state.push(Self.features()) { states += $0.elements }
    state.finish { states += $0.elements }
    let golden = try TestSignal.values("random-stream-states.\(chunk).f32")
    #expect(golden.count == 51 * 16 && Self.largestDifference(states, golden) < 2e-5)
  }

  @Test(arguments: chunks) func scoresEqualPyTorch(chunk: Int) throws {
    let scores = try Self.elements(Self.stream(chunk), [Self.features()])
    let golden = try TestSignal.values("random-stream-scores.\(chunk).f32")
    #expect(golden.count == 25 * 20 && Self.largestDifference(scores, golden) < 5e-5)
  }

  @Test(arguments: chunks) func soundInAnyPiecesGivesTheSame(chunk: Int) throws {
    let samples = Array(try TestSignal.samples("speech.s16").prefix(30_000))
    let offline = try LogMel(floor: .streaming)(samples)
    let expected = try Self.elements(Self.stream(chunk), [offline])
    #expect(expected.count == 20 * ((offline.rows + 1) / 2 / 2))
    var random = SplitMix(state: 5)
    for size in [1, 7, 161, 3200, 29_999] {
      var features = try StreamingLogMel()
      let stream = try Self.stream(chunk)
      var scores: [Float] = []
      var place = 0
      while place < samples.count {
        // Some of the pieces are empty.
        let count = size == 1 ? 1 : Int.random(in: 0...(2 * size), using: &random)
        let end = min(place + count, samples.count)
        scores += try stream.push(features.push(Array(samples[place..<end]))).elements
        place = end
      }
      scores += try stream.push(features.finish()).elements + stream.finish().elements
      #expect(scores == expected, "pieces of \(size) samples")
    }
  }

  @Test func chunksComeAsSoonAsTheyCan() throws {
    let features = try Self.features()
    for count in 0...40 {
      let stream = try Self.stream(8)
      // A chunk of 16 features hears 12 more, and the convolutions reach one feature past them.
      let complete = try stream.push(features.rows(0..<count))
      #expect(complete.rows == 4 * (max(count - 13, 0) / 16))
      _ = stream.finish()
      let all = try Self.elements(stream, [features.rows(0..<count)])
      #expect(all.count == 20 * ((count + 1) / 2 / 2))
      #expect(all.allSatisfy { $0.isFinite })
    }
  }

  @Test func positionsBeginAgain() throws {
    let encoder = try ChunkedEncoder(ModelFile(path: Self.path))
    #expect(encoder.positions.rows == 1500)
    let state = ChunkedEncoder.State(encoder, chunk: 4)
    // The same sound for ever: what a state hears differs in its position alone, and it hears fewer than 30 states.
    let features = Matrix(rows: 8, columns: 80, elements: Array(repeating: 0.3, count: 640))
    var chunks: [[Float]] = []
    for _ in 0..<400 { try state.push(features) { chunks.append($0.elements) } }
    #expect(chunks.count == 398)
    for index in 10..<20 {
      #expect(Self.largestDifference(chunks[index], chunks[index + 375]) < 1e-5)
      #expect(Self.largestDifference(chunks[index], chunks[index + 374]) > 1e-2)
    }
    // A chunk across the seam: its first states have the last positions, its last the first.
    let across = ChunkedEncoder.State(encoder, chunk: 16)
    var states: [Float] = []
    for _ in 0..<400 { try across.push(features) { states += $0.elements } }
    #expect(states.count == 99 * 16 * 16 && states.allSatisfy { $0.isFinite })
  }

  @Test func positionsAreThoseOfWhisper() throws {
    let positions = sinusoidalPositions(count: 1500, width: 384)
    // From NumPy, in double precision.
    for (row, column, value): (Int, Int, Float) in [
      (0, 0, 0), (0, 192, 1), (1, 0, 0.84147098), (7, 1, 0.37766417), (100, 50, 0.43764514),
      (1499, 191, 0.14933925), (1499, 383, 0.98878602), (750, 300, -0.57097375),
    ] { #expect(abs(positions.row(row)[column] - value) < 1e-4, "\(row), \(column)") }
  }

  @Test func streamsFollowOneAnother() throws {
    let features = try Self.features()
    let stream = try Self.stream(8)
    let first = try Self.elements(stream, [features])
    // After `finish`, and after `reset` in the middle, all is as at the start.
    _ = try stream.push(features.rows(0..<37))
    stream.reset()
    #expect(try Self.elements(stream, [features]) == first)
    #expect(stream.finish().rows == 0 && stream.finish().rows == 0)
    #expect(try Self.elements(stream, [Matrix(rows: 0, columns: 80), features]) == first)
    #expect(try Self.elements(stream, [Matrix(rows: 0, columns: 0)]).isEmpty)
  }

  @Test func badFeaturesDoNoHarm() throws {
    let features = try Self.features()
    let stream = try Self.stream(8)
    let error = #expect(throws: ModelError.self) { try stream.push(Matrix(rows: 3, columns: 79)) }
    #expect(error?.description == "the features have 79 mel bands, the model needs 80")

    var (bad, replaced) = (features, features)
    for (column, value) in [Float.nan, .infinity, -.infinity, 1e30, -1e30].enumerated() {
      bad[20, column] = value
      replaced[20, column] = value == .infinity || value == 1e30 ? 4 : -0.625
    }
    let expected = try Self.elements(stream, [replaced])
    #expect(try Self.elements(stream, [bad]) == expected)
    #expect(expected.allSatisfy { $0.isFinite })
  }

  @Test func chunksThatTheModelDoesNotKnowAreRefused() throws {
    let model = try CTCModel(ModelFile(path: Self.path))
    let stream = try CTCStream(model)
    #expect(stream.rowsPerChunk == 4)
    #expect(model.encoder.chunkMilliseconds == [80, 160, 320] && model.rowDuration == 0.04)
    let error = #expect(throws: ModelError.self) { try CTCStream(model, chunkMilliseconds: 640) }
    #expect(
      error?.description == "the model random-stream has no chunks of 640 ms; take one of 80, 160, 320")
  }

  @Test func codedModelIsClose() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/coded.safetensors"
    let input = try ModelFile(path: Self.path)
    let report = try ModelQuantizer.quantize(
      input: input, output: path, recipe: QuantizationRecipe(bits: 8, group: .inputs(16)))
    let names = report.entries.map(\.name)
    #expect(names.contains("encoder.conv2.weight") && names.contains("recurrent.1.recurrent.weight"))
    #expect(names.count == 2 + 2 * 6 + 4 + 1)
    let coded = try ModelFile(path: path)
    #expect(try coded.tensor("vocabulary.scores", shape: [19], type: .float32).count == 19)
    #expect(coded.configuration.streaming == input.configuration.streaming)
    let scores = try Self.elements(CTCStream(CTCModel(coded), chunkMilliseconds: 160), [Self.features()])
    let golden = try TestSignal.values("random-stream-scores.8.f32")
    #expect(Self.largestDifference(scores, golden) < 0.15)
  }

  private final class Shapes: ActivationObserver {
    nonisolated(unsafe) var seen: [String: (rows: Int, columns: Int)] = [:]
    func observe(tensor: String, inputs: Matrix) {
      seen[tensor, default: (0, inputs.columns)].rows += inputs.rows
    }
  }

  @Test func observersSeeTheInputsOfEachMatrix() throws {
    let file = try ModelFile(path: Self.path)
    let observer = Shapes()
    let stream = try CTCStream(
      CTCModel(file), chunkMilliseconds: 160, context: ComputeContext(observer: observer))
    _ = try Self.elements(stream, [Self.features()])
    for (name, rows, columns) in [
      ("encoder.conv1.weight", 101, 240), ("encoder.conv2.weight", 51, 48),
      ("recurrent.0.input.weight", 25, 32),
      ("recurrent.1.input.weight", 25, 12), ("recurrent.0.recurrent.weight", 25, 12),
      ("output.weight", 25, 12),
      // Six chunks hear six states after them, the last but one the three that are there.
      ("encoder.layers.1.feed_forward.down.weight", 51 + 5 * 6 + 3, 32),
    ] {
      #expect(observer.seen[name]?.rows == rows && observer.seen[name]?.columns == columns, "\(name)")
    }
    #expect(observer.seen.count == 19)
  }
}
