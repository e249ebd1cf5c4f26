// Chunks hold all speech once, end in pauses, and do not depend on how the audio arrives.

import SottoTestSupport
import Testing

@testable import Sotto

@Suite struct SegmenterTests {
  static func chunks(
    of samples: [Float], options: Segmenter.Options = .init(), pieces: Int = 4000
  ) throws -> [SpeechChunk] {
    var segmenter = try Segmenter(options)
    var chunks: [SpeechChunk] = []
    for start in stride(from: 0, to: samples.count, by: pieces) {
      chunks += segmenter.push(Array(samples[start..<min(start + pieces, samples.count)]))
    }
    return chunks + segmenter.finish()
  }

  /// Phrases after gaps of these lengths, and where the phrases lie.
  static func recording(gaps: [Double]) throws -> (samples: [Float], phrases: [Range<Int>]) {
    let phrases = try TestSignal.phrases()
    var samples: [Float] = []
    var ranges: [Range<Int>] = []
    for (index, gap) in gaps.enumerated() {
      samples += TestSignal.silence(seconds: gap)
      let phrase = phrases[index % 2]
      ranges.append(samples.count..<(samples.count + phrase.count))
      samples += phrase
    }
    return (samples, ranges)
  }

  static func options(longestChunk: Double) -> Segmenter.Options {
    var options = Segmenter.Options()
    options.longestChunk = longestChunk
    return options
  }

  /// What holds of the chunks of any recording.
  static func expectSound(_ chunks: [SpeechChunk], of samples: [Float], longest: Int) {
    var end = 0
    for chunk in chunks {
      #expect(chunk.startSample >= end && chunk.endSample <= samples.count)
      #expect((1...longest).contains(chunk.samples.count))
      #expect(chunk.samples == Array(samples[chunk.startSample..<chunk.endSample]))
      end = chunk.endSample
    }
  }

  @Test func noiseAndSilenceGiveNothing() throws {
    #expect(try Self.chunks(of: []).isEmpty)
    #expect(try Self.chunks(of: TestSignal.silence(seconds: 3)).isEmpty)
    #expect(try Self.chunks(of: TestSignal.noise(.pink, decibels: -12, seconds: 4)).isEmpty)
    let abrupt = TestSignal.silence(seconds: 1) + TestSignal.hum(hertz: 50, seconds: 2)
    #expect(try Self.chunks(of: abrupt).isEmpty)
  }

  @Test func cutsInPausesAndLosesNothing() throws {
    let gaps = [0.5, 0.3, 0.9, 0.25, 0.4, 1.2, 0.3, 0.6, 0.3, 0.45, 0.8, 0.3]
    for ratio in [nil, 10.0] {
      var (samples, phrases) = try Self.recording(gaps: gaps)
      if let ratio { samples = TestSignal.inNoise(samples, .pink, ratio: ratio) }
      let chunks = try Self.chunks(of: samples, options: Self.options(longestChunk: 7))
      Self.expectSound(chunks, of: samples, longest: 7 * 16_000)
      #expect((4...6).contains(chunks.count))
      // Phrases begin at once and sound to about 0.1 s before their ends.
      for phrase in phrases {
        let spoken = phrase.lowerBound..<(phrase.upperBound - 1600)
        let holders = chunks.filter { $0.startSample < spoken.upperBound && spoken.lowerBound < $0.endSample }
        #expect(holders.count == 1)
        #expect(
          holders.first.map { $0.startSample <= spoken.lowerBound && spoken.upperBound <= $0.endSample }
            == true)
      }
    }
  }

  @Test func leavesOutLongPauses() throws {
    let (samples, phrases) = try Self.recording(gaps: [4, 0.6, 5])
    let all = samples + TestSignal.silence(seconds: 4)
    let chunks = try Self.chunks(of: all)
    Self.expectSound(chunks, of: all, longest: 30 * 16_000)
    try #require(chunks.count == 2)
    for (chunk, speech) in zip(chunks, [phrases[0].lowerBound..<phrases[1].upperBound, phrases[2]]) {
      // 0.4 s on both sides, give or take what is soft.
      #expect((3200...8000).contains(speech.lowerBound - chunk.startSample))
      #expect((1600...8000).contains(chunk.endSample - speech.upperBound))
    }
  }

  /// Syllables, four a second, without any pause: harmonics of 125 Hz under an envelope that never falls silent.
  static func restlessSpeech(seconds: Double) -> [Float] {
    let buzz = TestSignal.hum(hertz: 125, seconds: seconds)
    let envelope = TestSignal.tone(hertz: 4, seconds: seconds, amplitude: 1)
    return zip(buzz, envelope).map { $0 * (0.3 + 0.25 * $1) }
  }

  @Test func cutsWhereItIsQuietestWithoutPauses() throws {
    let samples = Self.restlessSpeech(seconds: 9)
    let chunks = try Self.chunks(of: samples, options: Self.options(longestChunk: 4))
    Self.expectSound(chunks, of: samples, longest: 4 * 16_000)
    #expect(chunks.count >= 3)
    #expect(chunks.first?.startSample == 0 && chunks.last?.endSample == samples.count)
    for (chunk, next) in zip(chunks, chunks.dropFirst()) {
      #expect(chunk.endSample == next.startSample)
      // The envelope's minima lie at 3/4 of each 250 ms.
      let phase = (chunk.endSample % 4000) - 3000
      #expect(abs(phase) < 480)
    }
  }

  @Test(arguments: [37, 160, 16_001, 1_000_000]) func piecesChangeNothing(_ pieces: Int) throws {
    let samples = try Self.recording(gaps: [1, 0.4, 3, 0.5]).samples
    let options = Self.options(longestChunk: 3)
    let expected = try Self.chunks(of: samples, options: options)
    #expect(expected.count >= 3)
    #expect(try Self.chunks(of: samples, options: options, pieces: pieces) == expected)
  }

  @Test func aSegmenterServesOneRecordingAfterAnother() throws {
    let samples = try Self.recording(gaps: [1, 0.4]).samples
    var segmenter = try Segmenter()
    let first = segmenter.push(samples) + segmenter.finish()
    #expect(first.count == 1)
    #expect(segmenter.push(samples) + segmenter.finish() == first)
  }

  @Test func strangeOptionsDoNoHarm() throws {
    let samples = try Self.recording(gaps: [0.4, 0.4]).samples
    for value in [-1, 0, Double.nan, .infinity, 1e300] {
      var options = Segmenter.Options()
      (options.longestChunk, options.padding) = (value, value)
      (options.longestPause, options.shortestPause) = (value, value)
      #expect(try !Self.chunks(of: samples, options: options).isEmpty)
    }
  }

  /// Any run of decisions: the cut lies within the longest chunk and goes forward.
  @Test func cutsAlwaysGoForward() {
    var random = SplitMix(state: 11)
    for _ in 0..<200 {
      let longest = Int.random(in: 200...1000, using: &random)
      let first = Int.random(in: 0...500, using: &random)
      var chunk = OpenChunk(start: first * 160, firstFrame: first)
      var isSpeech = true
      for frame in first...(first + longest) {
        if Int.random(in: 0..<40, using: &random) == 0 { isSpeech.toggle() }
        let energy = Float.random(in: 0...1, using: &random)
        let speaks = isSpeech || frame == first || frame == first + longest
        chunk.append(.init(isSpeech: speaks, evidence: 0, energy: energy), frame: frame)
      }
      let place = CutSearch(longestChunk: longest, shortestPause: 20).place(
        in: chunk, before: first + longest)
      #expect((first + 1...first + longest).contains(place.frame))
      if let pause = place.pause { #expect(pause.contains(place.frame) && pause.count >= 20) }
    }
  }
}
