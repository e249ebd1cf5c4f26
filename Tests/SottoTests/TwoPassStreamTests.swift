// Two passes: what the streaming model hears at once, and what the attention model makes of it in the end.

import SottoDecoding
import SottoKernels
import SottoTestSupport
import Testing

@testable import Sotto
@testable import SottoModels

@Suite(.enabled(if: SpeechModel.isExpected, "models/tiny.en.safetensors is not there"))
struct TwoPassStreamTests {
  private static let attention = Result { try AttentionModel(ModelFile(path: SpeechModel.path)) }
  /// Weights without sense: its texts are noise, and so are its scores.
  private static let random = Result {
    try StreamingModel(path: TestSignal.goldenPath("random-stream.safetensors"))
  }

  /// Whatever the pieces, and nothing of a partial result is promised.
  @Test func eventsDoNotDependOnPieces() throws {
    let samples =
      TestSignal.silence(seconds: 1) + (try SpeechModel.sample("scheme.wav")) + TestSignal.silence(seconds: 2)
    var options = RecognitionStream.Options()
    options.beam = 2
    var results: [[RecognitionEvent]] = []
    for pieces in [160, 1600, 50_000] {
      let stream = try LiveModel(Self.random.get(), Self.attention.get()).stream(options)
      let events = try stream.events(of: samples, pieces: pieces)
      for event in events {
        if case .partial(let partial) = event { #expect(partial.committed.isEmpty) }
      }
      results.append(events)
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }

  @Test func passesOfTheWrongKind() {
    let (stream, whole) = (TestSignal.goldenPath("random-stream.safetensors"), SpeechModel.path)
    #expect(throws: RecognitionError.passes(first: "tiny.en", second: "tiny.en")) {
      try LiveModel(firstPass: whole, secondPass: whole)
    }
    #expect(throws: RecognitionError.self) { try Recognizer(firstPass: stream, secondPass: stream) }
  }

  /// A text has to be in the scores: more words than they hold, or others, fall short.
  @Test func shortfallTellsTexts() throws {
    // Five frames, each sure of a token of its own or of the blank.
    var scores = Matrix(rows: 5, columns: 4)
    scores.withUnsafeMutableElements { elements in
      for (frame, winner) in [1, 0, 2, 0, 3].enumerated() {
        for column in 0..<4 { elements[frame * 4 + column] = column == winner ? -0.1 : -9 }
      }
    }
    #expect(abs(TwoPassStream.shortfall(of: [0, 1, 2], in: scores)) < 1e-5)
    #expect(TwoPassStream.shortfall(of: [2, 1, 0], in: scores) > TwoPassStream.mostShortfall)
    #expect(TwoPassStream.shortfall(of: [0, 1, 2, 0, 1, 2], in: scores) == .infinity)
    #expect(TwoPassStream.shortfall(of: [], in: scores) == .infinity)
  }
}
