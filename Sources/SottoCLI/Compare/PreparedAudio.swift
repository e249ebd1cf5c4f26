// What a variant is given to hear: the recording itself, or a copy of what it is under a condition.

import Foundation
import SottoAudio
import SottoCompare
import SottoDecoding

/// Makes copies as they are needed, and removes them.
final class PreparedAudio {
  /// A file to hear, which is removed with this object where it is a copy.
  final class Item {
    let path: String
    let duration: Double
    private let isCopy: Bool

    fileprivate init(path: String, duration: Double, isCopy: Bool) {
      self.path = path
      self.duration = duration
      self.isCopy = isCopy
    }

    deinit {
      guard isCopy else { return }
      unlink(path)
      Interruption.forget(path)
    }
  }

  private let corpus: Corpus
  /// Of noises: depends on the corpus, too, from which babble comes.
  let seed: UInt64

  /// Voices of babble, and seconds that are taken of each.
  private static let voices = 6
  private static let voiceDuration = 20.0

  init(corpus: Corpus, seed: UInt64) {
    self.corpus = corpus
    let names = Fingerprint.of(corpus.utterances.map(\.id))
    self.seed = seed ^ (UInt64(names, radix: 16) ?? 0)
  }

  /// - Parameter isWave: whether it has to be 16-bit WAV, 16 kHz, mono.
  /// - Throws: `AudioError`, `Failure`.
  func item(_ index: Int, _ condition: Condition, isWave: Bool) throws -> Item {
    let utterance = corpus.utterances[index]
    if condition == .clean, utterance.part == nil, !isWave {
      return Item(path: utterance.audio, duration: utterance.duration, isCopy: false)
    }
    let samples = try heard(index, condition)
    let folder = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    let path = "\(folder)/.sotto-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).wav"
    Interruption.register(path)
    let item = Item(
      path: path, duration: Double(samples.count) / Double(Degradation.sampleRate), isCopy: true)
    let writer = try WaveWriter(path: path)
    try writer.write(samples)
    try writer.finish()
    return item
  }

  /// Where somebody speaks, found in the clean recording: noise does not change it, speed does.
  func speech(_ index: Int, _ condition: Condition) throws -> [Range<Double>] {
    let utterance = corpus.utterances[index]
    if condition.movesWords {
      return try SpeechBounds.of(SampleSource(samples: heard(index, condition)))
    }
    return try SpeechBounds.of(PartialSource(utterance))
  }

  private func heard(_ index: Int, _ condition: Condition) throws -> [Float] {
    let utterance = corpus.utterances[index]
    let degradation = Degradation(condition, seed: seed &+ UInt64(index))
    return try degradation(Self.samples(utterance)) { try self.voices(for: index) }
  }

  private static func samples(_ utterance: Utterance, limit: Double = .infinity) throws -> [Float] {
    let source = try PartialSource(utterance)
    var samples: [Float] = []
    while true {
      let more = try source.read(count: source.sampleRate)
      samples += more
      if more.isEmpty || Double(samples.count) / Double(source.sampleRate) >= limit { return samples }
    }
  }

  private func voices(for index: Int) throws -> [[Float]] {
    let others = corpus.utterances.indices.filter {
      $0 != index && corpus.utterances[$0].audio != corpus.utterances[index].audio
    }
    guard !others.isEmpty else { throw Failure("babble needs other recordings than the one that is heard") }
    var random = SplitMix64(seed: seed &+ UInt64(index))
    return try (0..<Self.voices).map { _ in
      let other = corpus.utterances[others[random.next(below: others.count)]]
      return try Self.samples(other, limit: Self.voiceDuration)
    }
  }
}
