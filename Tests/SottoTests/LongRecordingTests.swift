// Recordings longer than the model's window: no word is lost or comes twice where they are cut.

import SottoDecoding
import SottoTestSupport
import Testing

@testable import Sotto

@Suite(.enabled(if: SpeechModel.isExpected, "models/tiny.en.safetensors is not there"))
struct LongRecordingTests {
  static let normalizer = TextNormalizer()

  /// The longest runs of words that one text lacks, and has more than, the other.
  static func longestRuns(_ alignment: Alignment) -> (lost: Int, doubled: Int) {
    var (lost, doubled, longestLost, longestDoubled) = (0, 0, 0, 0)
    for step in alignment.steps {
      if case .deletion = step { lost += 1 } else { lost = 0 }
      if case .insertion = step { doubled += 1 } else { doubled = 0 }
      longestLost = max(longestLost, lost)
      longestDoubled = max(longestDoubled, doubled)
    }
    return (longestLost, longestDoubled)
  }

  /// The museum's sentences three times over, two and a half minutes, in one recording and each by itself.
  @Test func cutsLoseNothing() throws {
    let piece = try SpeechModel.sample("museum.flac")
    let pause = TestSignal.silence(seconds: 1.3)
    let long = try SpeechModel.transcript(piece + pause + piece + pause + piece)
    let words = Self.normalizer.words(long.text)

    let truth = Self.normalizer.words(try SpeechModel.text("museum.txt"))
    let errors = WordErrorRate(reference: truth + truth + truth, hypothesis: words)
    let runs = Self.longestRuns(errors.alignment)
    #expect(runs.lost < 3 && runs.doubled < 3, "\(long.text)")
    #expect(errors.words.rate <= 0.15)

    // By itself the piece is cut in other places, which may change a word here and there, but not their number.
    let alone = Self.normalizer.words(try SpeechModel.transcript(piece).text)
    let difference = WordErrorRate(reference: alone + alone + alone, hypothesis: words)
    let changes = Self.longestRuns(difference.alignment)
    #expect(changes.lost < 3 && changes.doubled < 3)
    #expect(difference.words.rate <= 0.08, "\(long.text)")

    for (segment, next) in zip(long.segments, long.segments.dropFirst()) {
      #expect(segment.start < segment.end && segment.end <= next.start + 1e-9)
    }
  }

  /// Speech without a pause to cut in: the same sentence again and again, 35 s.
  @Test func speechWithoutPausesIsCutOnceAWindow() throws {
    let sentence = try SpeechModel.sample("page.flac")
    // Without the silence at its ends.
    let spoken = Array(sentence.drop { abs($0) < 0.02 }.reversed().drop { abs($0) < 0.02 }.reversed())
    let samples = (0..<6).flatMap { _ in spoken }
    let transcript = try SpeechModel.transcript(samples)
    let words = Self.normalizer.words(try SpeechModel.text("page.txt"))
    let expected = (0..<6).flatMap { _ in words }
    let errors = WordErrorRate(reference: expected, hypothesis: Self.normalizer.words(transcript.text))
    #expect(errors.words.rate <= 0.15, "\(transcript.text)")
  }
}
