// Live recognition with a model that hears whole pieces of speech: nothing taken back, nothing out of silence, and the words of
// the recording.

import SottoDecoding
import SottoTestSupport
import Testing

@testable import Sotto

@Suite(.enabled(if: SpeechModel.isExpected, "models/tiny.en.safetensors is not there"))
struct AgreementStreamTests {
  private static let model = Result { try LiveModel(path: SpeechModel.path) }

  private static func stream(_ change: (inout RecognitionStream.Options) -> Void = { _ in }) throws
    -> any SpeechStream
  {
    var options = RecognitionStream.Options()
    options.wordTimes = true
    options.beam = 2
    change(&options)
    return try model.get().stream(options)
  }

  /// Two recordings with a pause between them, and what is heard of them. Of the second, words are known before it ends.
  @Test func nothingIsTakenBack() throws {
    let pause = TestSignal.silence(seconds: 2)
    let samples =
      pause + (try SpeechModel.sample("scheme.wav")) + pause + (try SpeechModel.sample("telephone.wav"))
      + pause
    let events = try Self.stream().events(of: samples, pieces: 800)
    var committed = ""
    var time = 0.0
    var end = 0.0
    var wasCommitted = false
    for event in events {
      switch event {
      case .partial(let partial):
        #expect(partial.committed.beginsWithWords(of: committed), "\(partial) after \(committed)")
        #expect(partial.time >= time && partial.start <= partial.time)
        (committed, time) = (partial.committed, partial.time)
        wasCommitted = wasCommitted || !committed.isEmpty
      case .final(let segment, let rule):
        #expect(segment.text.beginsWithWords(of: committed), "\(segment.text) after \(committed)")
        #expect(rule == .silenceAfterSpeech && segment.start >= end - 0.05)
        let words = try #require(segment.words)
        #expect(words.map(\.text).joined(separator: " ") == segment.text)
        (committed, end) = ("", segment.end)
      }
    }
    #expect(wasCommitted)
    let truth = try SampleTests.truth("scheme.wav") + " " + SampleTests.truth("telephone.wav")
    let heard = finals(events).map(\.text).joined(separator: " ")
    let errors = WordErrorRate(reference: truth, hypothesis: heard)
    #expect(errors.words.rate <= SampleTests.worstOfAll, "\(heard)")
  }

  @Test func piecesChangeNothing() throws {
    let samples = try TestSignal.silence(seconds: 0.7) + SpeechModel.sample("scheme.wav")
    let whole = try Self.stream().events(of: samples, pieces: samples.count)
    #expect(finals(whole).count >= 1 && whole.count > 3)
    #expect(try Self.stream().events(of: samples, pieces: 997) == whole)
  }

  /// Without a pause the utterance is cut, and no word is lost.
  @Test func longSpeechIsCut() throws {
    // Texts that come again and again would be taken for loops.
    let names = [
      "page.flac", "wards.mp3", "memo.opus", "scheme.wav", "telephone.wav", "page.flac", "wards.mp3",
    ]
    let truth = try names.map { try SampleTests.truth($0) }.joined(separator: " ")
    let recordings = try names.map { try SpeechModel.sample($0) }
    let alone = try recordings.flatMap { finals(try Self.stream().events(of: $0, pieces: 4000)) }
    let events = try Self.stream { $0.endpointing.silenceAfterSpeech = nil }
      .events(of: Array(recordings.joined()), pieces: 4000)
    let rules = Set(events.compactMap { if case .final(_, let rule?) = $0 { rule } else { nil } })
    #expect(rules.isSubset(of: [.longestUtterance, .pauseInLongUtterance]) && !rules.isEmpty)
    for segment in finals(events) { #expect(segment.end - segment.start <= 15.1) }
    let heard = WordErrorRate(
      reference: truth, hypothesis: finals(events).map(\.text).joined(separator: " "))
    let once = WordErrorRate(reference: truth, hypothesis: alone.map(\.text).joined(separator: " "))
    #expect(heard.words.rate <= once.words.rate + 0.1, "\(events)")
  }

  @Test(arguments: ["silence", "hum", "quiet noise", "loud noise", "noise that begins", "a tone"])
  func givesNoWords(name: String) throws {
    let sound = try #require(NoSpeechTests.sounds.first { $0.name == name })
    let events = try Self.stream().events(of: sound.samples(), pieces: 1600)
    #expect(events.isEmpty, "\(events)")
  }

  @Test func anUtteranceCanBeEndedAtOnce() throws {
    let samples = try SpeechModel.sample("scheme.wav")
    let stream = try Self.stream()
    stream.skipsPartials = true
    #expect(try stream.accept(Array(samples.prefix(40_000))).isEmpty)
    let events = try stream.finishUtterance()
    guard case .final(let segment, nil)? = events.last else {
      Issue.record("no final result: \(events)")
      return
    }
    #expect(!segment.text.isEmpty && segment.end <= 2.6)
    #expect(try stream.finishUtterance().isEmpty)
    _ = try stream.finish()
    #expect(throws: RecognitionError.finished) { try stream.accept(samples) }
    stream.reset()
    #expect(throws: RecognitionError.sampleRate(got: 8000, needed: 16_000)) {
      try stream.accept(samples, sampleRate: 8000)
    }
    #expect(!finals(try stream.events(of: samples, pieces: 1600)).isEmpty)
  }

  @Test func optionsThatMakeNoSense() throws {
    let expected = RecognitionError.interval(model: "tiny.en", milliseconds: 20, allowed: 200...10_000)
    #expect(throws: expected) { try Self.stream { $0.chunkMilliseconds = 20 } }
  }
}
