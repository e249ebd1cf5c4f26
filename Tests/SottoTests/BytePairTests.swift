// Text to Whisper's tokens, and language models of them.

import Foundation
import SottoDecoding
import SottoModels
import SottoTestSupport
import Testing

@testable import Sotto

@Suite(.enabled(if: SpeechModel.isExpected, "models/tiny.en.safetensors is not there")) struct BytePairTests {
  private struct Cut: Decodable {
    var text: String
    var tokens: [Int]
  }

  /// Of another implementation (tools/golden/byte_pairs.py).
  @Test func tokensAreThoseOfTokenizers() throws {
    let path = SpeechModel.package.appending(path: "Tests/SottoTests/Golden/byte-pairs.json")
    let cuts = try JSONDecoder().decode([Cut].self, from: Data(contentsOf: path))
    let vocabulary = try Vocabulary(ModelFile(path: SpeechModel.path))
    let encoder = BytePairEncoder(vocabulary, count: 50_256)
    #expect(cuts.count > 10)
    for cut in cuts {
      #expect(encoder.tokens(cut.text) == cut.tokens, "\(cut.text)")
      #expect(vocabulary.text(encoder.tokens(cut.text)) == cut.text)
    }
  }

  /// Words of an ARPA file are tokens as GPT-2's files write them.
  @Test func arpaFilesNameTokens() throws {
    let builder = try LanguageModelBuilder(modelPath: SpeechModel.path, order: nil)
    let arpa = """
      \\data\\
      ngram 1=3
      ngram 2=1

      \\1-grams:
      -1 Ġthe -0.5
      -2 ĠcafÃ©
      -3 Ċ

      \\2-grams:
      -0.25 Ġthe ĠcafÃ©
      \\end\\
      """
    let model = try builder.model(arpa: arpa)
    let encoder = BytePairEncoder(try Vocabulary(ModelFile(path: SpeechModel.path)), count: 50_256)
    let tokens = encoder.tokens(" the caf\u{E9}")
    let state = model.advance(model.start, by: tokens[0]).state
    let logProbability = model.advance(state, by: tokens[1]).logProbability
    #expect(tokens.count == 2 && abs(logProbability + 0.25 * 2.302_585) < 0.01)
    #expect(model.size == 50_256)
  }

  /// "Under the steward", which is heard as a name: as text has it, if text counts.
  @Test func recordingsAreHeardWithIt() throws {
    let folder = try TemporaryFolder()
    var builder = try LanguageModelBuilder(modelPath: SpeechModel.path, order: nil)
    let plain = try SpeechModel.transcript(SpeechModel.sample("wards.mp3")).text
    #expect(!plain.lowercased().contains("the steward"))
    for _ in 0..<20 {
      builder.add("It was under the steward, and the steward of the wards was under the keeper.")
    }
    try LanguageModelFile.write(
      builder.build(bytes: 2_000_000), for: builder.vocabulary, licence: "CC0-1.0", source: "tests",
      to: folder("lm.safetensors"))
    var model = try LanguageModel(path: folder("lm.safetensors"))
    #expect(model.file.model.order == 4)
    func text(_ weight: Float) throws -> String {
      (model.weight, model.bonus) = (weight, 0)
      return try SpeechModel.transcript(SpeechModel.sample("wards.mp3")) { $0.languageModel = model }.text
    }
    #expect(try text(0) == plain)
    #expect(try text(0.3).lowercased().contains("the steward"))
    // Of other tokens.
    let other = try LanguageModel(path: SpeechModel.package.appending(path: "models/stream-ctc.lm").path)
    #expect(throws: ModelError.self) { try SpeechModel.recognizer { $0.languageModel = other } }
  }
}
