// Signals for tests: stored speech and features, and noises that are the same every time.

import Foundation

public enum TestSignal {
  /// 16-bit samples in this file of Tests/Golden, full scale 1.
  public static func samples(_ name: String) throws -> [Float] {
    try numbers(name, of: Int16.self).map { Float($0) / 32_768 }
  }

  /// Float values in this file of Tests/Golden.
  public static func values(_ name: String) throws -> [Float] {
    try numbers(name, of: UInt32.self).map(Float.init(bitPattern:))
  }

  /// A file in Tests/Golden.
  public static func goldenPath(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Golden/\(name)").path
  }

  /// Two phrases of real speech at 16 kHz, with about 0.1 s of their pauses: 1.5 s and 1.3 s.
  public static func phrases() throws -> [[Float]] {
    [try samples("speech.fourteen-sixty-nine.s16"), try samples("speech.fourteen-seventy.s16")]
  }

  public static func silence(seconds: Double) -> [Float] {
    [Float](repeating: 0, count: Int(seconds * 16_000))
  }

  public static func tone(hertz: Double, seconds: Double, amplitude: Double = 0.5) -> [Float] {
    (0..<Int(seconds * 16_000)).map { Float(amplitude * sin(2 * Double.pi * hertz * Double($0) / 16_000)) }
  }

  /// A fundamental and 19 harmonics, as mains couple into cables.
  public static func hum(hertz: Double, seconds: Double) -> [Float] {
    let step = 2 * Double.pi * hertz / 16_000
    return (0..<Int(seconds * 16_000)).map { index in
      var sum = 0.0
      for harmonic in 1...19 { sum += 0.3 / Double(harmonic) * sin(step * Double(index * harmonic)) }
      return Float(sum)
    }
  }

  public enum Colour: Sendable, CaseIterable { case white, pink, brown }

  /// Noise of this level in decibels of full scale, clipped there.
  public static func noise(_ colour: Colour, decibels: Double, seconds: Double) -> [Float] {
    var random = SplitMix(state: 7)
    // Low-passed noises: all added up they are pink, the lowest alone is brown.
    let memories: [Double] =
      switch colour {
      case .white: [0]
      case .pink: [0, 0.8, 0.95, 0.99, 0.998]
      case .brown: [0.995]
      }
    var states = memories.map { _ in 0.0 }
    let samples = (0..<Int(seconds * 16_000)).map { _ in
      for index in memories.indices {
        let gain = (1 - memories[index]).squareRoot()
        states[index] = memories[index] * states[index] + gain * random.nextUnit()
      }
      return states.reduce(0, +)
    }
    return scaled(samples.map(Float.init), decibels: decibels)
  }

  /// `samples` with this root mean square, in decibels of full scale, clipped at ±1.
  public static func scaled(_ samples: [Float], decibels: Double) -> [Float] {
    let gain = Float(pow(10, decibels / 20)) / max(rootMeanSquare(samples), 1e-9)
    return samples.map { min(max($0 * gain, -1), 1) }
  }

  /// `samples` in noise that many decibels below them.
  public static func inNoise(_ samples: [Float], _ colour: Colour, ratio: Double) -> [Float] {
    let level = 20 * log10(Double(rootMeanSquare(samples))) - ratio
    let noise = noise(colour, decibels: level, seconds: Double(samples.count) / 16_000 + 0.001)
    return zip(samples, noise).map(+)
  }

  public static func rootMeanSquare(_ samples: some Collection<Float>) -> Float {
    (samples.reduce(0) { $0 + $1 * $1 } / Float(max(samples.count, 1))).squareRoot()
  }

  private static func numbers<Number: FixedWidthInteger>(_ name: String, of type: Number.Type) throws
    -> [Number]
  {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: goldenPath(name))))
    return bytes.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: MemoryLayout<Number>.size).map { start in
        Number(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Number.self))
      }
    }
  }
}

/// Random numbers that are the same every time (Steele, Lea and Flood 2014).
public struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  public init(state: UInt64) { self.state = state }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Uniform in -1..<1; unlike `Double.random`, quick in debug builds too.
  public mutating func nextUnit() -> Double { Double(Int64(bitPattern: next())) * 0x1p-63 }
}
