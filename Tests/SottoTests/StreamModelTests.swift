// The streaming model that the program comes with: words of speech, none of anything else, and the two passes with it.

import Foundation
import SottoAudio
import SottoDecoding
import SottoModels
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

/// The models that stand on it, as far as they are there.
enum DecoderModel {
  static let names = ["stream-rnnt", "stream-mocha"].filter {
    FileManager.default.fileExists(atPath: path($0))
  }

  static func path(_ name: String) -> String {
    SpeechModel.package.appending(path: "models/\(name).safetensors").path
  }
}

/// These and the CTC model without a language model.
@Suite(
  .enabled(if: !DecoderModel.names.isEmpty, "no model that stands on models/stream-ctc.safetensors is there"))
struct DecoderModelTests {
  private static func recognizer(_ path: String) throws -> Recognizer {
    var configuration = RecognizerConfiguration()
    configuration.threads = 1
    return try Recognizer(modelPath: path, configuration: configuration)
  }

  @Test(arguments: DecoderModel.names) func hearsTheSamplesBetterThanWhatItStandsOn(name: String) throws {
    let own = try StreamModelTests.errors(Self.recognizer(DecoderModel.path(name)))
    let base = try StreamModelTests.errors(Self.recognizer(StreamModel.path))
    #expect(own.referenceLength > 200 && own.rate < base.rate, "\(own), \(base)")
  }

  @Test(arguments: DecoderModel.names, NoSpeechTests.sounds.map(\.name))
  func givesNoWords(model: String, name: String) throws {
    let sound = try #require(NoSpeechTests.sounds.first { $0.name == name })
    let recognizer = try Self.recognizer(DecoderModel.path(model))
    let transcript = try recognizer.transcribe(SampleSource(samples: sound.samples()))
    #expect(transcript.segments.isEmpty, "\(transcript.text)")
  }
}

@Suite(.enabled(if: StreamModel.isExpected, "models/stream-ctc.safetensors is not there"))
struct StreamModelTests {
  private static func one() throws -> Recognizer {
    try Recognizer(modelPath: StreamModel.path, configuration: StreamModel.configuration())
  }
  private static func two() throws -> Recognizer {
    try Recognizer(
      firstPass: StreamModel.path, secondPass: SpeechModel.path, configuration: StreamModel.configuration())
  }

  static func errors(
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
    let counts = try Self.errors(Self.one())
    #expect(counts.referenceLength > 200 && counts.rate <= 0.45, "\(counts)")
  }

  @Test func twoPassesHearThemAsTheSecondDoes() throws {
    let counts = try Self.errors(Self.two())
    #expect(counts.rate <= SampleTests.worstOfAll, "\(counts)")
  }

  /// What was said is in the scores; what was said elsewhere is not, nor what is said again and again.
  @Test func textsThatWereNotSaidAreRefused() throws {
    let model = try StreamingModel(path: StreamModel.path)
    var options = RecognitionStream.Options()
    options.endpointing = .init(silenceAfterSpeech: nil, longUtterance: nil, longestUtterance: nil)
    let stream = try RecognitionStream(model, options: options)
    stream.keepsScores = true
    let heard = try stream.events(of: try SpeechModel.sample("page.flac"), pieces: 4000)
    let scores = try #require(stream.ended?.scores)
    #expect(finals(heard).count == 1)
    func shortfall(_ text: String) -> Float {
      TwoPassStream.shortfall(of: model.vocabulary.tokens(text), in: scores)
    }
    let said = try SampleTests.truth("page.flac")
    #expect(shortfall(said) < TwoPassStream.mostShortfall)
    #expect(shortfall(try SampleTests.truth("scheme.wav")) > TwoPassStream.mostShortfall)
    let loop =
      said + String(repeating: " " + said.split(separator: " ").suffix(6).joined(separator: " "), count: 5)
    #expect(shortfall(loop) > TwoPassStream.mostShortfall)
  }

  /// Words that the second pass leaves out at the end are heard once more; nothing is said twice.
  @Test func lastWordsAreNotLost() throws {
    var options = RecognitionStream.Options()
    options.endpointing = .init(silenceAfterSpeech: nil, longUtterance: nil, longestUtterance: nil)
    let stream = try TwoPassStream(
      StreamingModel(path: StreamModel.path), AttentionModel(ModelFile(path: SpeechModel.path)),
      options: options)
    _ = try stream.events(of: SpeechModel.sample("page.flac"), pieces: 4000)
    let ended = try #require(stream.first.ended)
    let words = try SampleTests.truth("page.flac").split(separator: " ")
    func segment(_ count: Int) -> Segment {
      Segment(start: 0, end: ended.end, text: words.prefix(count).joined(separator: " "), confidence: 1)
    }
    func rest(_ count: Int) -> String? {
      stream.lost(of: segment(words.count), after: segment(count), ended, until: ended.heard)?.text
    }
    #expect(rest(words.count) == nil)
    #expect(rest(words.count - 2)?.lowercased().hasSuffix("look.") == true)
    #expect(rest(words.count - 5)?.split(separator: " ").count ?? 0 >= 4)
  }

  /// Silence counts from where the sound of the last word ends, not from where its token was found; wherever chunks lie.
  @Test(arguments: [0, 0.16, 0.32, 0.48]) func shortPausesDoNotEndUtterances(lead: Double) throws {
    let recording = try SpeechModel.sample("scheme.wav")
    let loud = 0.03 * (recording.map(abs).max() ?? 0)
    let speech = Array(recording[...(recording.lastIndex { abs($0) > loud } ?? 0)])
    func utterances(pause: Double) throws -> Int {
      let stream = try RecognitionStream(StreamingModel(path: StreamModel.path))
      let samples =
        TestSignal.silence(seconds: 1 + lead) + speech + TestSignal.silence(seconds: pause) + speech
        + TestSignal.silence(seconds: 2)
      return finals(try stream.events(of: samples, pieces: 4000)).count
    }
    #expect(try utterances(pause: 0.55) == 1)
    #expect(try utterances(pause: 1.7) == 2)
  }

  /// Words of the second pass have the times of the first one's scores: in order, and where the sound is.
  @Test func wordsOfTwoPassesAreWhereTheyWereSaid() throws {
    let recording = try SpeechModel.sample("page.flac")
    var options = RecognitionStream.Options()
    options.wordTimes = true
    let stream = try TwoPassStream(
      StreamingModel(path: StreamModel.path), AttentionModel(ModelFile(path: SpeechModel.path)),
      options: options)
    let samples =
      TestSignal.silence(seconds: 3) + recording + TestSignal.silence(seconds: 2) + recording
      + TestSignal.silence(seconds: 2)
    let segments = finals(try stream.events(of: samples, pieces: 4000))
    let length = Double(recording.count) / 16_000
    #expect(segments.count == 2)
    for (segment, start) in zip(segments, [3, 5 + length]) {
      let words = try #require(segment.words)
      #expect(words.map(\.text).joined(separator: " ") == segment.text && words.count > 12)
      let first = try #require(words.first?.start)
      let last = try #require(words.last?.end)
      #expect((start..<start + 0.6).contains(first + 0.1) && abs(last - start - length) < 0.6)
      for (word, next) in zip(words, words.dropFirst()) {
        #expect(word.start < word.end && word.end <= next.start + 1e-6)
      }
    }
  }

  @Test(arguments: NoSpeechTests.sounds.map(\.name)) func givesNoWords(name: String) throws {
    let sound = try #require(NoSpeechTests.sounds.first { $0.name == name })
    for recognizer in [try Self.one(), try Self.two()] {
      let transcript = try recognizer.transcribe(SampleSource(samples: sound.samples()))
      #expect(transcript.segments.isEmpty, "\(transcript.model): \(transcript.text)")
    }
  }

  /// Chunks lie otherwise then, so that words may differ; none is lost at the start or the end.
  @Test func silenceAroundSpeechTakesNothing() throws {
    let samples = try SpeechModel.sample("page.flac")
    let silence = TestSignal.silence(seconds: 7)
    let alone = try Self.one().transcribe(SampleSource(samples: samples))
    let embedded = try Self.one().transcribe(SampleSource(samples: silence + samples + silence))
    let counts = WordErrorRate(reference: alone.text, hypothesis: embedded.text).words
    let (words, others) = (alone.text.split(separator: " "), embedded.text.split(separator: " "))
    #expect(words.count > 15 && counts.rate <= 0.35, "\(alone.text) | \(embedded.text)")
    #expect(words.first == others.first && words.last == others.last)
  }
}
