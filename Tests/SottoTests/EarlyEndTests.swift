// Texts that end before the speech does go on; where nothing more was said, nothing is added.

import Foundation
import SottoDecoding
import SottoKernels
import SottoTestSupport
import Testing

@testable import Sotto
@testable import SottoModels

@Suite(.enabled(if: SpeechModel.isExpected, "models/tiny.en.safetensors is not there"))
struct EarlyEndTests {
  private static let decoder = Result {
    try ChunkDecoder(
      model: AttentionModel(ModelFile(path: SpeechModel.path)), configuration: RecognizerConfiguration(),
      context: ComputeContext())
  }

  /// What the decoder makes of the beginning of a text on the sound of all of it.
  private static func continued(
    _ words: Int, of reading: ChunkDecoder.Reading, in samples: [Float], room: Double? = nil
  ) throws -> ChunkDecoder.Reading? {
    let decoder = try decoder.get()
    let model = decoder.model
    let encoded = decoder.encoded(samples)
    let session = DecoderSession(model.decoder, encoded: encoded, slots: 4096, context: decoder.context)
    var begun = Hypothesis().extended(by: model.special.firstTimestamp, score: 0)
    let count = model.vocabulary.words(reading.tokens)[words - 1].tokens.upperBound
    for token in reading.tokens.prefix(count) { begun = begun.extended(by: token, score: 0) }
    let end = model.special.firstTimestamp + decoder.frames(of: samples.count, in: encoded)
    begun = begun.extended(by: end, score: 0)
    return decoder.goneOn(
      begun, room: room ?? Double(samples.count) / 16_000 - reading.words[words - 1].start, session: session,
      prompt: [model.special.startOfTranscript],
      frames: decoder.frames(of: samples.count, in: encoded))
  }

  private static func cut(_ reading: ChunkDecoder.Reading, to words: Int) -> ChunkDecoder.Reading {
    var cut = reading
    cut.words = Array(reading.words.prefix(words))
    return cut
  }

  @Test func aTextGoesOnWithTheSound() throws {
    let samples = try SpeechModel.sample("page.flac")
    let decoder = try Self.decoder.get()
    let reading = try #require(decoder.readings(samples).first)
    let words = reading.words.map(\.text)
    #expect(words.count > 12)
    #expect(!decoder.soundGoesOn(after: reading, in: samples))
    for count in [words.count / 2, words.count - 3] {
      #expect(decoder.soundGoesOn(after: Self.cut(reading, to: count), in: samples))
      let longer = try #require(try Self.continued(count, of: reading, in: samples))
      #expect(decoder.model.vocabulary.words(longer.tokens).map(\.text) == words)
      // There is no time for so many words.
      #expect(try Self.continued(count, of: reading, in: samples, room: 0.5) == nil)
    }
  }

  @Test func nothingIsAddedToNoise() throws {
    let samples = try SpeechModel.sample("page.flac")
    let decoder = try Self.decoder.get()
    let reading = try #require(decoder.readings(samples).first)
    let count = reading.words.count / 2
    let end = Int(reading.words[count - 1].end * 16_000)
    let quiet = samples[..<end] + TestSignal.silence(seconds: 2)
    #expect(!decoder.soundGoesOn(after: Self.cut(reading, to: count), in: Array(quiet)))
    let noisy = Array(samples[..<end]) + TestSignal.noise(.white, decibels: -30, seconds: 2)
    #expect(try Self.continued(count, of: reading, in: noisy) == nil)
  }
}
