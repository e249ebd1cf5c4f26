// What a stream computes, and what it lets pass.

import SottoFeatures
import SottoKernels
import SottoTestSupport
import Testing

@Suite struct ActivityGateTests {
  /// Whether each 10 ms may be speech.
  private static func activity(_ samples: [Float]) throws -> [Bool] {
    let features = try LogMel(floor: .streaming)(samples)
    var gate = ActivityGate(bands: 80)
    return (0..<features.rows).map { gate.push(features.rows($0..<($0 + 1))) }
  }

  static let steady: [(name: String, samples: @Sendable () -> [Float])] = [
    ("silence", { TestSignal.silence(seconds: 10) }),
    ("hum", { TestSignal.hum(hertz: 50, seconds: 10) }),
    ("quiet noise", { TestSignal.noise(.white, decibels: -60, seconds: 10) }),
    ("noise", { TestSignal.noise(.white, decibels: -20, seconds: 10) }),
    ("pink noise", { TestSignal.noise(.pink, decibels: -30, seconds: 10) }),
    ("a tone", { TestSignal.tone(hertz: 440, seconds: 10) }),
  ]

  @Test(arguments: steady.map(\.name)) func steadySoundIsQuiet(name: String) throws {
    let sound = try #require(Self.steady.first { $0.name == name })
    let active = try Self.activity(sound.samples()).dropFirst(100)
    #expect(active.filter { $0 }.count * 100 <= active.count, "\(active.filter { $0 }.count)")
  }

  @Test(arguments: [0, -30, -45]) func speechIsHeardAtOnce(decibels: Double) throws {
    for phrase in try TestSignal.phrases() {
      let sound =
        TestSignal.silence(seconds: 2) + TestSignal.scaled(phrase, decibels: decibels)
        + TestSignal.silence(seconds: 1)
      let active = try Self.activity(sound)
      let first = try #require(active.firstIndex(of: true))
      #expect(first >= 195 && first <= 230, "\(first)")
    }
  }

  @Test func speechInNoiseIsHeard() throws {
    for phrase in try TestSignal.phrases() {
      let noise = TestSignal.noise(.pink, decibels: -40, seconds: 4)
      var sound = noise
      for (index, sample) in phrase.enumerated() { sound[32_000 + index] += sample }
      let active = try Self.activity(sound)
      let first = try #require(active[150...].firstIndex(of: true))
      #expect(first >= 195 && first <= 240, "\(first)")
    }
  }

  @Test func oddFeaturesDoNotTrap() {
    var gate = ActivityGate(bands: 80)
    _ = gate.push(Matrix(rows: 50, columns: 80, elements: [Float](repeating: .nan, count: 4000)))
    #expect(gate.push(Matrix(rows: 0, columns: 80)) == false)
    #expect(gate.push(Matrix(rows: 1, columns: 3)) == true)
  }
}
