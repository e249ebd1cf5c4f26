// Small recordings for tests.

import Foundation

public enum WaveFile {
  /// 16-bit PCM with a plain header; every channel holds the same quiet noise.
  public static func noise(seconds: Double, rate: Int = 16_000, channels: Int = 1) -> Data {
    var state: UInt32 = 1
    var samples: [Int16] = []
    for _ in 0..<Int(seconds * Double(rate)) {
      state = state &* 1_664_525 &+ 1_013_904_223
      let sample = Int16(truncatingIfNeeded: Int32(bitPattern: state) >> 20)
      samples += Array(repeating: sample, count: channels)
    }
    return wave(samples, rate: rate, channels: channels)
  }

  /// - Parameter samples: interleaved.
  public static func wave(_ samples: [Int16], rate: Int, channels: Int) -> Data {
    let size = samples.count * 2
    var data = Data("RIFF".utf8)
    func append(_ value: Int, bytes: Int) {
      for shift in 0..<bytes { data.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
    }
    append(36 + size, bytes: 4)
    data += Data("WAVEfmt ".utf8)
    append(16, bytes: 4)
    append(1, bytes: 2)
    append(channels, bytes: 2)
    append(rate, bytes: 4)
    append(rate * channels * 2, bytes: 4)
    append(channels * 2, bytes: 2)
    append(16, bytes: 2)
    data += Data("data".utf8)
    append(size, bytes: 4)
    for sample in samples { append(Int(sample), bytes: 2) }
    return data
  }
}
