// Degradations do what they say, and the same each time.

import Foundation
import SottoTestSupport
import Testing

@testable import SottoCompare

@Suite struct DegradationTests {
  private static func power(_ samples: [Float]) -> Double {
    samples.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(samples.count, 1))
  }

  /// Power of a tone in a signal.
  private static func power(_ samples: [Float], hertz: Double) -> Double {
    var (real, imaginary) = (0.0, 0.0)
    for (index, sample) in samples.enumerated() {
      let angle = 2 * Double.pi * hertz * Double(index) / 16_000
      real += Double(sample) * cos(angle)
      imaginary += Double(sample) * sin(angle)
    }
    return (real * real + imaginary * imaginary) / Double(samples.count * samples.count)
  }

  @Test(arguments: Condition.Noise.allCases, [20.0, 0])
  func noiseHasItsLevel(noise: Condition.Noise, decibels: Double) throws {
    let speech = try TestSignal.phrases()[0].map { $0 * 0.3 }
    let voices = try TestSignal.phrases()
    let degradation = Degradation(.noise(noise, decibels: decibels))
    let noisy = try degradation(speech) { voices }
    #expect(try degradation(speech) { voices } == noisy)
    #expect(try Degradation(degradation.condition, seed: 2)(speech) { voices } != noisy)
    let added: [Float] = zip(noisy, speech).map { $0 - $1 }
    let ratio: Double = 10 * log10(Self.power(speech) / Self.power(added))
    #expect(noisy.count == speech.count && abs(ratio - decibels) < 0.1)
  }

  @Test func combinedInOrder() throws {
    let speech = try TestSignal.phrases()[0]
    let both = Degradation(.combined([.speed(1.25), .noise(.white, decibels: 10)]), seed: 3)
    let faster = try Degradation(.speed(1.25))(speech) { [] }
    #expect(try both(speech) { [] } == Degradation(.noise(.white, decibels: 10), seed: 3)(faster) { [] })
  }

  @Test func pinkNoiseFallsByThreeDecibelsAnOctave() throws {
    let noise = try Degradation(.noise(.pink, decibels: 0))(
      TestSignal.tone(hertz: 5, seconds: 6, amplitude: 0.1)
    ) { [] }
    // Mean power over many frequencies of an octave, a hertz: noise has the same in each octave if it is pink.
    func octave(from low: Double) -> Double {
      var sum = 0.0
      for step in 0..<12 { sum += Self.power(noise, hertz: low * (1 + Double(step) / 12) + 0.37) }
      return sum * low
    }
    let octaves: [Double] = [125, 250, 500, 1000, 2000, 4000].map { octave(from: $0) }
    for power in octaves {
      let decibels: Double = 10 * log10(power / octaves[3])
      #expect(abs(decibels) < 3, "\(octaves)")
    }
  }

  @Test func telephoneLine() throws {
    let tones = [100.0, 1000, 5000].map { TestSignal.tone(hertz: $0, seconds: 1, amplitude: 0.2) }
    var sound = tones[0]
    for index in sound.indices { sound[index] += tones[1][index] + tones[2][index] }
    let heard = try Degradation(.telephone)(sound) { [] }
    #expect(abs(heard.count - sound.count) <= 2)
    let kept: Double = 10 * log10(Self.power(heard, hertz: 1000) / Self.power(sound, hertz: 1000))
    #expect(abs(kept) < 0.5)
    for hertz in [100.0, 5000] {
      #expect(Self.power(heard, hertz: hertz) < 0.05 * Self.power(sound, hertz: hertz))
    }
  }

  @Test func reverberationDecays() throws {
    var click = [Float](repeating: 0, count: 1600)
    click[0] = 0.5
    let heard = try Degradation(.reverb(0.6))(click) { [] }
    #expect(heard.count == 1600 + 9600 && heard[0] > 0)
    // 60 dB in 0.6 s: 20 dB from one fifth of a second to the next.
    let parts = [800..<4000, 4000..<7200].map { Self.power(Array(heard[$0])) }
    let fall: Double = 10 * log10(parts[0] / parts[1])
    #expect(abs(fall - 20) < 2)
  }

  @Test func speed() throws {
    let heard = try Degradation(.speed(1.25))(TestSignal.tone(hertz: 400, seconds: 1)) { [] }
    #expect(abs(heard.count - 12_800) <= 1)
    #expect(Self.power(heard, hertz: 500) > 100 * Self.power(heard, hertz: 400))
  }
}
