// No words come out of what is no speech, and silence around speech changes no word.

import SottoDecoding
import SottoTestSupport
import Testing

@testable import Sotto

@Suite(.enabled(if: SpeechModel.isExpected, "models/tiny.en.safetensors is not there")) struct NoSpeechTests {
  static let seconds = 20.0

  static let sounds: [(name: String, samples: @Sendable () -> [Float])] = [
    ("silence", { TestSignal.silence(seconds: seconds) }),
    ("muted, with an offset", { [Float](repeating: 0.1, count: Int(seconds * 16_000)) }),
    ("muted, last bit flickering", { TestSignal.noise(.white, decibels: -95, seconds: seconds) }),
    ("hum", { TestSignal.hum(hertz: 50, seconds: seconds) }),
    ("quiet hum", { TestSignal.scaled(TestSignal.hum(hertz: 60, seconds: seconds), decibels: -50) }),
    ("quiet noise", { TestSignal.noise(.white, decibels: -40, seconds: seconds) }),
    ("loud noise", { TestSignal.noise(.white, decibels: -10, seconds: seconds) }),
    ("pink noise", { TestSignal.noise(.pink, decibels: -20, seconds: seconds) }),
    ("a tone", { TestSignal.tone(hertz: 1000, seconds: seconds) }),
    (
      "noise that begins",
      { TestSignal.silence(seconds: 5) + TestSignal.noise(.white, decibels: -25, seconds: 15) }
    ),
  ]

  @Test(arguments: sounds.map(\.name)) func givesNoWords(name: String) throws {
    let sound = try #require(Self.sounds.first { $0.name == name })
    let transcript = try SpeechModel.transcript(sound.samples())
    #expect(transcript.segments.isEmpty, "\(transcript.text)")
    #expect(transcript.duration == Self.seconds)
  }

  @Test(arguments: ["page.flac", "telephone.wav"]) func silenceAroundSpeechChangesNothing(file: String) throws
  {
    let samples = try SpeechModel.sample(file)
    let silence = TestSignal.silence(seconds: Self.seconds)
    let alone = try SpeechModel.transcript(samples)
    let embedded = try SpeechModel.transcript(silence + samples + silence)
    #expect(!alone.text.isEmpty)
    #expect(TextNormalizer()(embedded.text) == TextNormalizer()(alone.text))
    let (first, moved) = (try #require(alone.segments.first), try #require(embedded.segments.first))
    #expect(abs(moved.start - first.start - Self.seconds) < 0.5)
    #expect((embedded.segments.last?.end ?? 0) <= Self.seconds + alone.duration + 0.5)
  }
}
