// How loud the audio is.
import Foundation

/// Follows the level of a stream as a meter's needle does: up at once, down slowly.
public struct LevelMeter: Sendable, Hashable {
  /// Decibels below which all is silence.
  public static let floor = -90.0

  /// Decibels a second by which what is shown falls.
  public var fall = 30.0
  /// Level to show, in decibels of full scale (a square wave of ±1 has 0).
  public private(set) var level = floor
  /// The loudest sample since `reset`, in decibels of full scale.
  public private(set) var peak = floor
  /// Mean power since `reset`.
  private var power = 0.0
  private var count = 0
  private let sampleRate: Double

  public init(sampleRate: Int = 16_000) { self.sampleRate = Double(max(sampleRate, 1)) }

  /// The root mean square since `reset`, in decibels of full scale.
  public var mean: Double { count == 0 ? Self.floor : Self.decibels(power: power / Double(count)) }

  public mutating func push(_ samples: [Float]) {
    // A piece of 20 ms at a time, or one long piece would hide what is loud in it.
    let step = max(Int(sampleRate / 50), 1)
    for start in stride(from: 0, to: samples.count, by: step) {
      let piece = samples[start..<min(start + step, samples.count)]
      var sum = 0.0
      var loudest: Float = 0
      for sample in piece where sample.isFinite {
        sum += Double(sample) * Double(sample)
        loudest = max(loudest, abs(sample))
      }
      power += sum
      count += piece.count
      peak = max(peak, Self.decibels(power: Double(loudest) * Double(loudest)))
      let now = Self.decibels(power: sum / Double(piece.count))
      level = max(now, level - fall * Double(piece.count) / sampleRate, Self.floor)
    }
  }

  /// Begins new maxima and means; the needle stays.
  public mutating func reset() { (peak, power, count) = (Self.floor, 0, 0) }

  private static func decibels(power: Double) -> Double { max(floor, power > 0 ? 10 * log10(power) : floor) }
}
