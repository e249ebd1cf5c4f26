// Speech is told from everything steady, tonal or too short for it.

import Foundation
import SottoTestSupport
import Testing

@testable import SottoFeatures

@Suite struct SpeechActivityTests {
  struct Sound: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var samples: [Float]

    init(_ name: String, _ samples: [Float]) {
      (testDescription, self.samples) = (name, samples)
    }
  }

  static func frames(of samples: [Float]) throws -> [SpeechActivity.Frame] {
    var activity = try SpeechActivity()
    return activity.push(samples) + activity.finish()
  }

  /// The sound at once after silence and before it, then on to the end.
  static func abrupt(_ samples: [Float]) -> [Float] {
    TestSignal.silence(seconds: 0.9) + samples + TestSignal.silence(seconds: 0.5) + samples
  }

  static let sounds: [Sound] =
    [
      Sound("nothing", []),
      Sound("digital silence", TestSignal.silence(seconds: 3)),
      Sound("dither", TestSignal.noise(.white, decibels: -90, seconds: 3)),
      Sound("muted input with an offset", [Float](repeating: 0.3, count: 48_000)),
      Sound("offset that is switched on", abrupt([Float](repeating: 0.3, count: 48_000))),
      Sound("50 Hz hum", abrupt(TestSignal.hum(hertz: 50, seconds: 2))),
      Sound("60 Hz hum", abrupt(TestSignal.hum(hertz: 60, seconds: 2))),
      Sound("50 Hz hum, cut short", TestSignal.hum(hertz: 50, seconds: 0.9)),
      Sound("50 Hz hum, cut off", TestSignal.hum(hertz: 50, seconds: 1.22)),
      Sound("short beep", abrupt(TestSignal.tone(hertz: 1000, seconds: 0.2))),
      Sound("long beep", abrupt(TestSignal.tone(hertz: 440, seconds: 2))),
      Sound("clicks", (0..<48_000).map { $0 % 11_003 == 5000 ? 0.9 : 0 }),
    ]
    + TestSignal.Colour.allCases.flatMap { colour in
      [
        Sound("\(colour) noise, loud", TestSignal.noise(colour, decibels: -10, seconds: 4)),
        Sound("\(colour) noise, soft", TestSignal.noise(colour, decibels: -60, seconds: 4)),
        Sound("\(colour) noise, abrupt", abrupt(TestSignal.noise(colour, decibels: -20, seconds: 1.7))),
        Sound("\(colour) noise, brief", TestSignal.noise(colour, decibels: -20, seconds: 0.4)),
      ]
    }

  @Test(arguments: sounds) func isNoSpeech(_ sound: Sound) throws {
    let frames = try Self.frames(of: sound.samples)
    #expect(frames.count == sound.samples.count / 160)
    #expect(!frames.contains { $0.isSpeech })
  }

  static let levels: [Double] = [-50, -23, -3]

  @Test(arguments: levels) func findsSpeechAtEveryLevel(_ decibels: Double) throws {
    let phrase = TestSignal.scaled(try TestSignal.phrases()[0], decibels: decibels)
    let frames = try Self.frames(of: TestSignal.silence(seconds: 1) + phrase + TestSignal.silence(seconds: 1))
    let speech = frames.indices.filter { frames[$0].isSpeech }
    // The phrase sounds from its first moment to 1.4 s.
    #expect(try #require(speech.first) <= 110)
    #expect((220...255).contains(try #require(speech.last)))
    #expect(speech.count > 100)
  }

  @Test(arguments: TestSignal.Colour.allCases) func findsSpeechInNoise(_ colour: TestSignal.Colour) throws {
    let phrase = try TestSignal.phrases()[1]
    let padding = TestSignal.silence(seconds: 2)
    let noisy = TestSignal.inNoise(phrase, colour, ratio: 10)
    let level = 20 * log10(TestSignal.rootMeanSquare(phrase)) - 10
    let noise = TestSignal.noise(colour, decibels: Double(level), seconds: 2)
    for signal in [padding + noisy + padding, noise + noisy + noise] {
      let speech = try Self.frames(of: signal).map(\.isSpeech)
      #expect(speech[200..<330].count { $0 } > 40)
      #expect(!speech[..<170].contains(true))
    }
  }

  /// Also without anything around it, as when a word is cut out by hand.
  @Test(arguments: [0, 0.3, 2]) func findsOneShortWord(_ padding: Double) throws {
    let word = Array(try TestSignal.phrases()[0][..<4800])
    let silence = TestSignal.silence(seconds: padding)
    #expect(try Self.frames(of: silence + word + silence).contains { $0.isSpeech })
  }

  @Test(arguments: [1, 161, 5000]) func piecesChangeNothing(_ size: Int) throws {
    let samples = TestSignal.inNoise(
      try TestSignal.phrases()[0] + TestSignal.silence(seconds: 0.5), .pink, ratio: 15)
    let whole = try Self.frames(of: samples)
    var activity = try SpeechActivity()
    for _ in 0..<2 {
      var frames: [SpeechActivity.Frame] = []
      for start in stride(from: 0, to: samples.count, by: size) {
        frames += activity.push(Array(samples[start..<min(start + size, samples.count)]))
        #expect(frames.count >= start / 160 - SpeechActivity.delay)
      }
      frames += activity.finish()
      #expect(frames == whole)
    }
  }

  @Test func slidingMinimumAgreesWithSearch() {
    var random = SplitMix(state: 3)
    let values = (0..<100).map { _ in (0..<2).map { _ in Float.random(in: 0...1, using: &random) } }
    for length in [1, 2, 7, 200] {
      var minimum = SlidingMinimum(width: 2, length: length)
      for end in values.indices {
        let window = values[max(0, end - length + 1)...end]
        #expect(minimum.push(values[end]) == (0..<2).map { column in window.map { $0[column] }.min() })
      }
    }
  }

  @Test func medianIsCentred() {
    var median = CentredMedian(length: 3)
    let values: [Float] = [5, 1, 9, 2, 2]
    #expect(values.compactMap { median.push($0) } + median.finish() == [5, 5, 2, 2, 2])
  }
}
