// The samples with the model that the program comes with: what it hears, and how far that is from what was said.

import Foundation
import SottoDecoding
import SottoTestSupport
import Testing

@testable import Sotto

@Suite(.enabled(if: SpeechModel.isExpected, "models/tiny.en.safetensors is not there")) struct SampleTests {
  static let samples = [
    "memo.opus", "museum.flac", "page.flac", "scheme.wav", "telephone.wav", "turns.ogg", "wards.mp3",
  ]
  /// Word error rates that one sample, and all together, may have.
  static let worst = 0.35
  static let worstOfAll = 0.15

  static let normalizer = TextNormalizer()

  /// What the model said when this was stored, a line a segment. To store it anew, after looking at it:
  /// `sotto transcribe --lm none --output Tests/SottoTests/Golden/ samples`
  static func golden(_ sample: String) throws -> String {
    let name = (sample as NSString).deletingPathExtension + ".txt"
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
    return try String(contentsOf: folder.appending(path: "Golden/\(name)"), encoding: .utf8)
  }

  static func truth(_ sample: String) throws -> String {
    try SpeechModel.text((sample as NSString).deletingPathExtension + ".txt")
  }

  @Test(arguments: samples) func isHeardAsBefore(sample: String) throws {
    let transcript = try SpeechModel.transcript(SpeechModel.sample(sample))
    #expect(Self.normalizer(transcript.text) == Self.normalizer(try Self.golden(sample)))
    let errors = WordErrorRate(reference: try Self.truth(sample), hypothesis: transcript.text)
    #expect(errors.words.rate <= Self.worst, "\(transcript.text)")
    #expect(transcript.model == "tiny.en")
  }

  /// The stored texts themselves are good enough.
  @Test func storedTextsAreNearTheTruth() throws {
    let counts = try Self.samples.map {
      WordErrorRate(reference: try Self.truth($0), hypothesis: try Self.golden($0)).words
    }.reduce(ErrorCounts(), +)
    #expect(counts.referenceLength > 200 && counts.rate <= Self.worstOfAll)
  }

  @Test(arguments: [(0, "turns.left.txt"), (1, "turns.right.txt")])
  func channelsAreHeardApart(channel: Int, text: String) throws {
    let transcript = try SpeechModel.transcript(SpeechModel.sample("turns.ogg", .index(channel)))
    let errors = WordErrorRate(reference: try SpeechModel.text(text), hypothesis: transcript.text)
    #expect(errors.words.rate <= Self.worst, "\(transcript.text)")
  }

  @Test func otherReadingsHaveOtherTexts() throws {
    let samples = try SpeechModel.sample("memo.opus")
    let transcript = try SpeechModel.transcript(samples) { $0.nBest = 3 }
    let texts = transcript.segments.flatMap { [$0.text] + ($0.alternatives ?? []).map(\.text) }
    #expect(texts.count == 3 && Set(texts).count == 3)
  }

  @Test func wordsHaveTimesAndConfidences() throws {
    let samples = try SpeechModel.sample("telephone.wav")
    let transcript = try SpeechModel.transcript(samples) { $0.wordTimes = true }
    let words = transcript.segments.flatMap { $0.words ?? [] }
    #expect(words.map(\.text).joined(separator: " ") == transcript.text && words.count > 10)
    #expect(words.allSatisfy { (0...1).contains($0.confidence) && $0.start <= $0.end })
    #expect(zip(words, words.dropFirst()).allSatisfy { $0.end <= $1.start + 1e-9 })
    #expect((words.first?.start ?? -1) >= 0 && (words.last?.end ?? .infinity) <= transcript.duration + 0.02)
    // A quarter of a second around each word is not silent.
    for word in words {
      let range =
        Int(max(word.start - 0.125, 0) * 16_000)..<min(Int((word.end + 0.125) * 16_000), samples.count)
      #expect(TestSignal.rootMeanSquare(samples[range]) > 0.01, "\(word)")
    }
  }

  @Test func readingsDiffer() throws {
    let transcript = try SpeechModel.transcript(SpeechModel.sample("wards.mp3")) {
      $0.nBest = 3
      $0.beam = 5
    }
    let segment = try #require(transcript.segments.first)
    let others = segment.alternatives ?? []
    #expect((1...2).contains(others.count))
    #expect(Set(others.map(\.text) + [segment.text]).count == others.count + 1)
  }
}
