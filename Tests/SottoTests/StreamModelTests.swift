// The streaming model that the program comes with: words of speech, none of anything else, and the two passes with it.

import Foundation
import SottoDecoding
import SottoTestSupport
import Testing

@testable import Sotto

enum StreamModel {
  static let path = SpeechModel.package.appending(path: "models/stream-ctc.safetensors").path
  static let languageModel = SpeechModel.package.appending(path: "models/stream-ctc.lm").path

  static let isExpected =
    FileManager.default.fileExists(atPath: path) || ProcessInfo.processInfo.environment["CI"] != nil

  static func configuration() throws -> RecognizerConfiguration {
    var configuration = RecognizerConfiguration()
    configuration.threads = 1
    configuration.languageModel = try LanguageModel(path: languageModel)
    return configuration
  }
}

@Suite(.enabled(if: StreamModel.isExpected, "models/stream-ctc.safetensors is not there"))
struct StreamModelTests {
  private static let one = Result {
    try Recognizer(modelPath: StreamModel.path, configuration: StreamModel.configuration())
  }
  private static let two = Result {
    try Recognizer(
      firstPass: StreamModel.path, secondPass: SpeechModel.path, configuration: StreamModel.configuration())
  }

  private static func errors(
    _ recognizer: Recognizer, _ samples: [String] = SampleTests.samples
  ) throws -> ErrorCounts {
    try samples.map { sample in
      let source = SampleSource(samples: try SpeechModel.sample(sample))
      let text = try recognizer.transcribe(source).text
      return WordErrorRate(reference: try SampleTests.truth(sample), hypothesis: text).words
    }.reduce(ErrorCounts(), +)
  }

  /// As good as it was when this was stored, within a few words of two hundred.
  @Test func hearsTheSamples() throws {
    let counts = try Self.errors(Self.one.get())
    #expect(counts.referenceLength > 200 && counts.rate <= 0.45, "\(counts)")
  }

  @Test func twoPassesHearThemAsTheSecondDoes() throws {
    let counts = try Self.errors(Self.two.get())
    #expect(counts.rate <= SampleTests.worstOfAll, "\(counts)")
  }

  @Test(arguments: NoSpeechTests.sounds.map(\.name)) func givesNoWords(name: String) throws {
    let sound = try #require(NoSpeechTests.sounds.first { $0.name == name })
    for recognizer in [Self.one, Self.two] {
      let transcript = try recognizer.get().transcribe(SampleSource(samples: sound.samples()))
      #expect(transcript.segments.isEmpty, "\(transcript.model): \(transcript.text)")
    }
  }

  @Test func silenceAroundSpeechChangesNothing() throws {
    let samples = try SpeechModel.sample("page.flac")
    let silence = TestSignal.silence(seconds: 7)
    let alone = try Self.one.get().transcribe(SampleSource(samples: samples))
    let embedded = try Self.one.get().transcribe(SampleSource(samples: silence + samples + silence))
    let counts = WordErrorRate(reference: alone.text, hypothesis: embedded.text).words
    // The start of the recording is cut off sharply, and not within silence.
    #expect(alone.text.count > 50 && counts.errors <= 1, "\(alone.text) | \(embedded.text)")
  }
}
