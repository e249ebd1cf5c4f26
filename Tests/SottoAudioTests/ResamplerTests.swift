// The resampler against the closed form of what it should give.
import Foundation
import Testing

@testable import SottoAudio

@Suite struct ResamplerTests {
  static let rates = [8000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000]

  /// A sum of sines below both Nyquist frequencies, faded in and out over 50 ms within `seconds`, at any rate.
  private func signal(_ count: Int, rate: Int, seconds: Double) -> [Float] {
    (0..<count).map { index in
      let time = Double(index) / Double(rate)
      let edge = min(max(min(time, seconds - time) / 0.05, 0), 1)
      let sines = 0.4 * sin(2 * .pi * 311 * time) + 0.3 * sin(2 * .pi * 2345 * time)
      return Float(sines * (1 - cos(.pi * edge)) / 2)
    }
  }

  /// Same instants, same amplitude, right length: to 16 kHz from everywhere, and back.
  @Test(arguments: rates) func givesTheSignalAtTheOtherRate(_ rate: Int) throws {
    for (from, to) in [(rate, 16_000), (16_000, rate)] {
      let count = from / 3 + 17
      let seconds = Double(count) / Double(from)
      let input = SampleSource(samples: signal(count, rate: from, seconds: seconds), sampleRate: from)
      let output = try readAll(ResampledSource(input, rate: to))
      #expect(abs(Double(output.count) - seconds * Double(to)) <= 1)
      #expect(largestDifference(output, signal(output.count, rate: to, seconds: seconds)) < 2e-5)
    }
  }

  /// A click keeps its place: the first sample, the last one, and one between.
  @Test(arguments: rates) func latencyIsCompensated(_ rate: Int) throws {
    let count = rate
    for place in [0, count / 2, count - 1] {
      var samples = [Float](repeating: 0, count: count)
      samples[place] = 1
      let output = try readAll(
        ResampledSource(SampleSource(samples: samples, sampleRate: rate), rate: 16_000))
      let peak = try #require(output.indices.max { abs(output[$0]) < abs(output[$1]) })
      #expect(abs(Double(peak) - Double(place) * 16_000 / Double(rate)) <= 1)
    }
  }

  /// What lies above the new Nyquist frequency does not fold down.
  @Test func doesNotAlias() throws {
    let samples = tone(48_000, rate: 48_000, hertz: 9000)
    let output = try readAll(
      ResampledSource(SampleSource(samples: samples, sampleRate: 48_000), rate: 16_000))
    #expect((output[1000..<15_000].map { abs($0) }.max() ?? 1) < 1e-4)
  }

  /// Live audio must not be held back: the output lags by less than 80 ms.
  @Test(arguments: rates) func lagsLittle(_ rate: Int) throws {
    let resampler = try Resampler(from: rate, to: 16_000)
    var (given, made, lag) = (0, 0, 0.0)
    for _ in 0..<100 {
      made += try resampler.process([Float](repeating: 0, count: rate / 50)).count
      given += rate / 50
      lag = max(lag, Double(given) / Double(rate) - Double(made) / 16_000)
    }
    #expect(lag < 0.08)
  }

  @Test func refusesImpossibleRates() throws {
    #expect(throws: AudioError.self) { try Resampler(from: 0, to: 16_000) }
    #expect(throws: AudioError.self) { try Resampler(from: 16_000, to: -1) }
    #expect(try Resampler(from: 8000, to: 16_000).finish().isEmpty)
  }
}
