// Recognition as audio arrives: the same for all pieces, nothing taken back, nothing out of silence.

import SottoDecoding
import SottoModels
import SottoTestSupport
import Testing

@testable import Sotto

/// A model of random weights: it says nonsense, and much of it, wherever there is sound.
@Suite struct RecognitionStreamTests {
  private static let models = ["random-stream", "random-rnnt", "random-mocha"]

  private static func model(_ name: String) throws -> StreamingModel {
    try StreamingModel(path: TestSignal.goldenPath(name + ".safetensors"))
  }

  private static func stream(
    _ name: String = "random-stream", _ change: (inout RecognitionStream.Options) -> Void = { _ in }
  ) throws -> RecognitionStream {
    var options = RecognitionStream.Options()
    options.wordTimes = true
    options.endpointing.longestUtterance = 1.5
    change(&options)
    return try RecognitionStream(model(name), options: options)
  }

  /// Silence, speech, silence, speech: 9 s.
  private static func sound() throws -> [Float] {
    let silence = TestSignal.silence(seconds: 1.5)
    return silence + (try TestSignal.samples("speech.s16")) + silence + (try TestSignal.phrases()[1])
      + silence
  }

  private static func events(_ stream: RecognitionStream, _ samples: [Float], pieces: Int) throws
    -> [RecognitionEvent]
  {
    var events: [RecognitionEvent] = []
    for first in stride(from: 0, to: samples.count, by: pieces) {
      events += try stream.accept(Array(samples[first..<min(first + pieces, samples.count)]))
    }
    return events + (try stream.finish())
  }

  @Test(arguments: models) func piecesChangeNothing(model: String) throws {
    let samples = try Self.sound()
    let whole = try Self.events(Self.stream(model), samples, pieces: samples.count)
    #expect(whole.count > 10)
    for size in [97, 160, 4096] {
      #expect(try Self.events(Self.stream(model), samples, pieces: size) == whole, "pieces of \(size)")
    }
  }

  @Test(arguments: models, [1, 8]) func nothingIsTakenBack(model: String, beam: Int) throws {
    let samples = try Self.sound()
    let events = try Self.events(Self.stream(model) { $0.beam = beam }, samples, pieces: 800)
    let duration = Double(samples.count) / 16_000
    var committed = ""
    var end = 0.0
    var time = 0.0
    var finals = 0
    for event in events {
      switch event {
      case .partial(let partial):
        #expect(partial.committed.hasPrefix(committed), "\(partial) after \(committed)")
        #expect(partial.time >= time && partial.time <= duration && partial.start <= partial.time)
        (committed, time) = (partial.committed, partial.time)
      case .final(let segment, _):
        finals += 1
        #expect(segment.text.hasPrefix(committed), "\(segment.text) after \(committed)")
        #expect((0...1).contains(segment.confidence))
        let words = try #require(segment.words)
        #expect(words.map(\.text).joined(separator: " ") == segment.text)
        for word in words {
          #expect(word.start >= end - 1e-9 && word.end >= word.start && word.end <= duration + 0.2, "\(word)")
          end = word.end
        }
        committed = ""
      }
    }
    #expect(finals >= 2)
  }

  @Test func whatIsQuietIsNotComputed() throws {
    for sound in [
      TestSignal.silence(seconds: 20), [Float](repeating: 0.1, count: 320_000),
      [Float](repeating: .nan, count: 320_000),
    ] {
      #expect(try Self.events(Self.stream(), sound, pieces: 1600).isEmpty)
    }
  }

  @Test func speechAfterSilenceIsTimedRight() throws {
    let samples = try Self.sound()
    guard
      case .final(let first, _)? = try Self.events(Self.stream(), samples, pieces: 800).first(where: {
        if case .final = $0 { true } else { false }
      })
    else {
      Issue.record("nothing was said")
      return
    }
    #expect(first.start > 0.9 && first.start < 2.5, "\(first)")
  }

  /// What was said an hour ago has no part in what is heard now: the same utterance again gives the same words, later.
  @Test func utterancesDoNotDependOnThePast() throws {
    let speech = try TestSignal.samples("speech.s16")
    let rest = [Float](repeating: 0, count: 64_000 - speech.count)
    let stream = try Self.stream()
    var first: [Segment] = []
    for repetition in 0..<30 {
      let events = try stream.accept(speech + rest) + stream.finishUtterance()
      let segments = events.compactMap { if case .final(let segment, _) = $0 { segment } else { nil } }
      // The first one has no silence before it, and may end with the audio instead of a pause: the next one has none either.
      if repetition == 2 { first = segments }
      guard repetition > 2 else { continue }
      #expect(segments.map(\.text) == first.map(\.text))
      for (segment, original) in zip(segments, first) {
        #expect(abs(segment.start - original.start - 4 * Double(repetition - 2)) < 1e-6)
        #expect(segment.confidence == original.confidence)
      }
    }
    #expect(!first.isEmpty)
  }

  @Test func anUtteranceCanBeEndedAtOnce() throws {
    let speech = try TestSignal.samples("speech.s16")
    let stream = try Self.stream { $0.endpointing.longestUtterance = nil }
    _ = try stream.accept(Array(speech.prefix(12_345)))
    let events = try stream.finishUtterance()
    guard case .final(let segment, nil)? = events.last else {
      Issue.record("no final result: \(events)")
      return
    }
    #expect(!segment.text.isEmpty && segment.end <= 12_345 / 16_000 + 0.1)
    #expect(try stream.finishUtterance().isEmpty)
  }

  @Test func calls() throws {
    let samples = try Self.sound()
    let stream = try Self.stream()
    #expect(try stream.accept([]).isEmpty)
    #expect(throws: RecognitionError.sampleRate(got: 44_100, needed: 16_000)) {
      try stream.accept(samples, sampleRate: 44_100)
    }
    let first = try Self.events(stream, samples, pieces: 1000)
    #expect(throws: RecognitionError.finished) { try stream.accept(samples) }
    #expect(throws: RecognitionError.finished) { try stream.finishUtterance() }
    #expect(try stream.finish().isEmpty)
    stream.reset()
    #expect(try Self.events(stream, samples, pieces: 1000) == first)
    #expect(throws: ModelError.chunk(model: "random-stream", chunk: 33, offered: [80, 160, 320])) {
      try Self.stream { $0.chunkMilliseconds = 33 }
    }
  }

  @Test func brokenSamplesDoNotSpoilWhatFollows() throws {
    let speech = try TestSignal.samples("speech.s16")
    let silence = TestSignal.silence(seconds: 3)
    var broken = [Float](repeating: .infinity, count: 4000) + [Float](repeating: 1e30, count: 400)
    broken += [-.infinity, .nan, 3.4e38]
    let stream = try Self.stream()
    _ = try stream.accept(broken + silence + silence)
    let after = try stream.accept(speech) + stream.finish()
    #expect(
      after.contains { if case .final(let segment, _) = $0 { !segment.text.isEmpty } else { false } },
      "\(after)")
  }
}
