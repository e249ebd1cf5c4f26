// The audio of one utterance.

import SottoAudio

/// An utterance of its recording, at 16 kHz.
public final class PartialSource: AudioSource {
  public let sampleRate = Degradation.sampleRate
  private let source: any AudioSource
  private var skipped: Int
  private var left: Int

  /// - Throws: `AudioError`.
  public init(_ utterance: Utterance) throws {
    source = try AudioInput(utterance.audio).open(rate: Degradation.sampleRate)
    skipped = Int((utterance.part?.lowerBound ?? 0) * Double(Degradation.sampleRate))
    let length = utterance.part.map { $0.upperBound - $0.lowerBound }
    left = length.map { Int(min($0, 1e8) * Double(Degradation.sampleRate)) } ?? .max
  }

  public var duration: Double? { nil }

  public func read(count: Int) throws -> [Float] {
    while skipped > 0 {
      let passed = try source.read(count: min(skipped, sampleRate)).count
      if passed == 0 { return [] }
      skipped -= passed
    }
    let samples = try source.read(count: min(count, left))
    left -= samples.count
    return samples
  }
}
