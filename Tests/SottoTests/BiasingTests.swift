// Phrases to listen for, with whole models: recordings, live, and streaming models.

import SottoDecoding
import SottoTestSupport
import Testing

@testable import Sotto

@Suite(.enabled(if: SpeechModel.isExpected, "models/tiny.en.safetensors is not there")) struct BiasingTests {
  private static let steward = BiasList([BiasPhrase("under the steward")])
  private static let absent = BiasList(["Okonkwo", "Beaumont", "Wynn", "Hale"].map { BiasPhrase($0) })

  /// "Under the steward", which is heard as something else.
  @Test(arguments: [1, 5]) func phrasesAreHeard(beam: Int) throws {
    let samples = try SpeechModel.sample("wards.mp3")
    func text(_ bias: BiasList?) throws -> String {
      try SpeechModel.transcript(samples) { ($0.beam, $0.bias) = (beam, bias) }.text
    }
    let plain = try text(nil)
    #expect(!plain.lowercased().contains("the steward"))
    #expect(try text(Self.steward).lowercased().contains("under the steward"))
    #expect(try text(Self.absent) == plain)
  }

  @Test func liveToo() throws {
    let samples = try SpeechModel.sample("wards.mp3")
    var options = RecognitionStream.Options()
    options.bias = Self.steward
    let stream = try LiveModel(path: SpeechModel.path).stream(options)
    let events = try stream.accept(samples, sampleRate: nil) + stream.finish()
    let finals = events.compactMap { if case .final(let segment, _) = $0 { segment.text } else { nil } }
    #expect(finals.joined(separator: " ").lowercased().contains("the steward"), "\(finals)")
  }
}

@Suite struct StreamBiasingTests {
  private static let path = TestSignal.goldenPath("random-stream.safetensors")

  /// Models of random weights say nonsense, which can be turned to anything.
  @Test(arguments: [1, 8]) func phrasesAreHeard(beam: Int) throws {
    let speech = try TestSignal.samples("speech.s16")
    func text(_ bias: BiasList?) throws -> String {
      var options = RecognitionStream.Options()
      (options.beam, options.bias) = (beam, bias)
      let stream = try RecognitionStream(StreamingModel(path: Self.path), options: options)
      return try (stream.accept(speech) + stream.finish()).compactMap {
        if case .final(let segment, _) = $0 { segment.text } else { nil }
      }.joined(separator: " ")
    }
    let plain = try text(nil)
    #expect(!plain.contains("the cab") && !plain.isEmpty)
    #expect(try text(BiasList([BiasPhrase("The Cab!")], weight: 20)).contains("the cab"))
    #expect(throws: DecodingError.self) { try text(BiasList([BiasPhrase("Zzq")])) }
    #expect(throws: DecodingError.self) {
      var configuration = RecognizerConfiguration()
      configuration.bias = BiasList([BiasPhrase("Zzq")])
      _ = try Recognizer(modelPath: Self.path, configuration: configuration)
    }
  }
}
