// Log-mel features against NumPy's, and streams against whole signals.

import SottoTestSupport
import Testing

@testable import SottoFeatures

@Suite struct LogMelTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var paddedTo: Int
    var floor = LogMel.Floor.whisper
    var testDescription: String { name }

    func samples() throws -> [Float] {
      name == "speech" ? try TestSignal.phrases()[0] : try TestSignal.samples("log-mel.\(name).s16")
    }
  }

  static let cases = [
    Case(name: "speech", paddedTo: 32_000),
    Case(name: "sweep", paddedTo: 0, floor: .streaming),
    Case(name: "loud-noise-to-the-end", paddedTo: 1600),
    Case(name: "one-step-of-16-bits", paddedTo: 1280),
    Case(name: "impulse", paddedTo: 1920, floor: .streaming),
    Case(name: "shorter-than-a-window", paddedTo: 330),
  ]

  @Test(arguments: cases) func agreesWithNumPy(_ example: Case) throws {
    let samples = try example.samples()
    let expected = try TestSignal.values("log-mel.\(example.name).f32")
    let features = try LogMel(floor: example.floor)(samples, paddedTo: example.paddedTo)
    #expect(features.rows == max(samples.count, example.paddedTo) / 160)
    try #require(features.elements.count == expected.count)
    let difference = zip(features.elements, expected).map { abs($0 - $1) }.max() ?? .infinity
    #expect(difference < 1e-4)
  }

  @Test func silenceHasTheFloorsValue() throws {
    #expect(try LogMel()([], paddedTo: 480_000).elements == [Float](repeating: -1.5, count: 3000 * 80))
    let floor = try LogMel(floor: .fixed(-6.5))([Float](repeating: 0, count: 1000))
    #expect(floor.elements == [Float](repeating: -0.625, count: 6 * 80))
    #expect(try LogMel()([]).rows == 0)
  }

  /// Padding costs nothing, so it must be seen to change nothing either: padding by zeros in the signal itself does.
  @Test(arguments: [0, 1, 199, 200, 201, 360, 1000, 1599, 1600]) func paddingEqualsZeros(_ count: Int) throws
  {
    var samples = (0..<count).map { Float(($0 * 7919) % 101) / 101 - 0.5 }
    let padded = try LogMel()(samples, paddedTo: 1760)
    samples += [Float](repeating: 0, count: 1760 - count)
    #expect(padded.elements == (try LogMel()(samples).elements))
  }

  @Test(arguments: [[1], [160], [159, 161, 1], [4096], [399, 2, 0, 800]])
  func streamsGiveTheFramesOfTheWhole(_ pieces: [Int]) throws {
    let samples = try TestSignal.samples("log-mel.sweep.s16")
    let whole = try LogMel(floor: .fixed(-6.5))(samples).elements
    var stream = try StreamingLogMel()
    for _ in 0..<2 {  // Twice: a stream that has ended starts anew.
      var elements: [Float] = []
      var start = 0
      var piece = 0
      while start < samples.count {
        let end = min(start + pieces[piece % pieces.count], samples.count)
        elements += stream.push(Array(samples[start..<end])).elements
        start = end
        piece += 1
      }
      elements += stream.finish().elements
      #expect(elements == whole)
    }
  }

  @Test(arguments: [0, 1, 2, 159, 160, 161, 200, 201, 330, 400, 561]) func shortStreams(_ count: Int) throws {
    let samples = (0..<count).map { Float(($0 * 7919) % 101) / 101 - 0.5 }
    var stream = try StreamingLogMel(floor: -6.5)
    let elements = stream.push(samples).elements + stream.finish().elements
    #expect(elements == (try LogMel(floor: .fixed(-6.5))(samples).elements))
    #expect(elements.count == count / 160 * 80)
  }

  @Test func refusesUnusableSettings() {
    #expect(throws: FeatureError.self) { try LogMel(sampleRate: 0) }
    #expect(throws: FeatureError.self) { try LogMel(bands: 0) }
    #expect(throws: FeatureError.self) { try LogMel(windowLength: .max) }
    #expect(throws: FeatureError.self) { try LogMel(windowLength: 401) }
    #expect(throws: FeatureError.unusableSetting(name: "hop", value: 0, allowed: "1 to 400")) {
      try LogMel(hop: 0)
    }
  }

  @Test func sharedPlansServeManyThreads() async throws {
    let samples = try TestSignal.phrases()[0]
    let logMel = try LogMel()
    let expected = logMel(samples).elements
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 {
        group.addTask {
          (try? LogMel()(samples).elements) == expected && logMel(samples).elements == expected
        }
      }
      for await same in group { #expect(same) }
    }
  }
}
