// Degradations of recordings, at 16 kHz, the same in every run.

import Foundation
import SottoAudio
import SottoDecoding

/// Makes what is heard under a condition.
public struct Degradation: Sendable {
  public static let sampleRate = 16_000

  public let condition: Condition
  /// Changes the noises.
  public let seed: UInt64

  public init(_ condition: Condition, seed: UInt64 = 1) {
    self.condition = condition
    self.seed = seed
  }

  /// - Parameters:
  ///   - samples: of a recording, at 16 kHz.
  ///   - voices: other recordings, for babble.
  /// - Throws: `AudioError` where it cannot be resampled.
  public func callAsFunction(_ samples: [Float], voices: () throws -> [[Float]]) throws -> [Float] {
    switch condition {
    case .clean: samples
    case .noise(let noise, let decibels):
      Self.mixed(samples, try self.noise(noise, samples.count, voices), decibels: decibels)
    case .telephone: try Self.telephone(samples)
    case .reverb(let seconds): reverberated(samples, seconds: seconds)
    case .speed(let factor):
      try Self.resampled(
        samples, from: Int((Double(Self.sampleRate) * factor).rounded()), to: Self.sampleRate)
    case .combined(let parts):
      try parts.reduce(samples) { try Degradation($1, seed: seed)($0, voices: voices) }
    }
  }

  // MARK: Noise

  private func noise(
    _ noise: Condition.Noise, _ count: Int, _ voices: () throws -> [[Float]]
  ) throws -> [Float] {
    var random = SplitMix64(seed: seed)
    switch noise {
    case .white: return (0..<count).map { _ in random.nextSigned() }
    case .pink:
      // Low-passed noises whose sum falls by 3 dB an octave, within 1 dB from 40 Hz on.
      let memories: [Float] = [0, 0.57, 0.963, 0.997]
      let gains: [Float] = [0.18, 1.05, 0.30, 0.10]
      var states = [Float](repeating: 0, count: memories.count)
      return (0..<count).map { _ in
        let white = random.nextSigned()
        var sum: Float = 0
        for index in memories.indices {
          states[index] = memories[index] * states[index] + gains[index] * white
          sum += states[index]
        }
        return sum
      }
    case .babble:
      var sum = [Float](repeating: 0, count: count)
      for voice in try voices() where !voice.isEmpty {
        let gain = 1 / max(Self.level(voice), 1e-6)
        var place = random.next(below: voice.count)
        for index in sum.indices {
          sum[index] += voice[place] * gain
          place += 1
          if place == voice.count { place = 0 }
        }
      }
      return sum
    }
  }

  /// Root mean square.
  static func level(_ samples: [Float]) -> Float {
    var sum = 0.0
    for sample in samples { sum += Double(sample) * Double(sample) }
    return Float((sum / Double(max(samples.count, 1))).squareRoot())
  }

  private static func mixed(_ samples: [Float], _ noise: [Float], decibels: Double) -> [Float] {
    let gain = level(samples) * Float(pow(10, -decibels / 20)) / max(level(noise), 1e-9)
    var result = samples
    for index in result.indices where index < noise.count { result[index] += gain * noise[index] }
    return withinRange(result)
  }

  /// Turned down where it would be clipped, so that the ratio stays.
  private static func withinRange(_ samples: [Float]) -> [Float] {
    let peak = samples.reduce(0) { max($0, abs($1)) }
    return peak > 1 ? samples.map { $0 / peak } : samples
  }

  // MARK: Telephone

  private static func telephone(_ samples: [Float]) throws -> [Float] {
    let narrow = highPassed(try resampled(samples, from: sampleRate, to: 8000), hertz: 300, rate: 8000)
    return try resampled(narrow.map(companded), from: 8000, to: sampleRate)
  }

  private static func resampled(_ samples: [Float], from: Int, to: Int) throws -> [Float] {
    let resampler = try Resampler(from: from, to: to)
    return try resampler.process(samples) + resampler.finish()
  }

  /// Butterworth of second order.
  private static func highPassed(_ samples: [Float], hertz: Float, rate: Float) -> [Float] {
    let k = tan(Float.pi * hertz / rate)
    let norm = 1 / (1 + Float(2).squareRoot() * k + k * k)
    let (a1, a2) = (2 * (k * k - 1) * norm, (1 - Float(2).squareRoot() * k + k * k) * norm)
    var (x1, x2, y1, y2): (Float, Float, Float, Float) = (0, 0, 0, 0)
    return samples.map { sample in
      let output = norm * (sample - 2 * x1 + x2) - a1 * y1 - a2 * y2
      (x2, x1, y2, y1) = (x1, sample, y1, output)
      return output
    }
  }

  /// Through the 8 bits of the µ-law of G.711, by its formula.
  private static func companded(_ sample: Float) -> Float {
    let mu: Float = 255
    let clipped = min(max(sample, -1), 1)
    let code = (log1p(mu * abs(clipped)) / log1p(mu) * 127).rounded() / 127
    return (clipped < 0 ? -1 : 1) * (exp(code * log1p(mu)) - 1) / mu
  }

  // MARK: Room

  /// Convolved with velvet noise that decays (Karjalainen and Järveläinen 2007): 2000 echoes a second, after the direct sound.
  private func reverberated(_ samples: [Float], seconds: Double) -> [Float] {
    let rate = Double(Self.sampleRate)
    var random = SplitMix64(seed: seed)
    let spacing = rate / 2000
    var echoes: [(delay: Int, gain: Float)] = []
    // From 5 ms on, as in a room of some metres; the diffuse sound is as loud as the direct one.
    let count = Int(seconds * 2000)
    for index in 0..<count {
      let delay = 0.005 * rate + (Double(index) + Double(random.next(below: 1000)) / 1000) * spacing
      let gain = Float(pow(10, -3 * delay / rate / seconds)) * (random.next(below: 2) == 0 ? -1 : 1)
      echoes.append((Int(delay), gain))
    }
    let energy = echoes.reduce(0) { $0 + $1.gain * $1.gain }.squareRoot()
    let tail = min(Int(seconds * rate), Self.sampleRate)
    var result = samples + [Float](repeating: 0, count: tail)
    samples.withUnsafeBufferPointer { input in
      result.withUnsafeMutableBufferPointer { output in
        for echo in echoes {
          let gain = echo.gain / max(energy, 1e-6)
          let end = min(input.count, output.count - echo.delay)
          guard end > 0 else { continue }
          for index in 0..<end { output[index + echo.delay] += gain * input[index] }
        }
      }
    }
    return Self.withinRange(result)
  }
}
