// Language models as files, and what they change in a stream.

import Foundation
import SottoDecoding
import SottoModels
import SottoTestSupport
import Testing

@testable import Sotto

@Suite struct LanguageModelTests {
  private static let modelPath = TestSignal.goldenPath("random-stream.safetensors")

  /// Text in the pieces of the model of random weights.
  private static func builder(order: Int = 3) throws -> LanguageModelBuilder {
    var builder = try LanguageModelBuilder(modelPath: modelPath, order: order)
    for _ in 0..<40 {
      builder.add("The hall is this. The bath; that beach? Jab the cab! A bell, a hall, the bath.")
    }
    return builder
  }

  private static func write(_ folder: TemporaryFolder) throws -> String {
    var builder = try builder()
    let path = folder("lm.safetensors")
    try LanguageModelFile.write(
      builder.build(limit: 1000), for: builder.vocabulary, licence: "CC0-1.0", source: "tests", to: path)
    return path
  }

  @Test func filesKeepTheModel() throws {
    let folder = try TemporaryFolder()
    let pieces = try StreamingModel(path: Self.modelPath).vocabulary
    var builder = try Self.builder()
    let model = try builder.build(limit: 1000)
    let read = try LanguageModelFile(path: Self.write(folder)).model
    #expect(builder.tokens > 400 && read.order == 3)
    for text in ["the hall", "the bath is this", "jab jab"] {
      let tokens = pieces.tokens(text)
      #expect(read.logProbability(tokens) == model.logProbability(tokens))
    }
    let (seen, unseen) = (pieces.tokens("the hall"), pieces.tokens("hall the"))
    #expect(read.logProbability(seen) > read.logProbability(unseen))
  }

  /// A file is as large as it may be, and no larger.
  @Test(arguments: [30_000, 60_000]) func filesFit(limit: Int) throws {
    let folder = try TemporaryFolder()
    var builder = try LanguageModelBuilder(modelPath: Self.modelPath, order: 5)
    var random = SplitMix(state: 5)
    let letters = Array("abcdefghijklmno")
    for _ in 0..<3000 {
      builder.add(
        (0..<6).map { _ in String((0..<3).map { _ in letters[Int(random.next() % 15)] }) }.joined(
          separator: " "))
    }
    let (vocabulary, licence, source) = (
      builder.vocabulary, "CC0-1.0", String(repeating: "tests ", count: 100)
    )
    try LanguageModelFile.write(
      builder.build(bytes: limit), for: vocabulary, licence: licence, source: source,
      to: folder("lm.safetensors"))
    let size = try LanguageModelFile(path: folder("lm.safetensors")).byteCount
    #expect(size <= limit && size > limit - 5000, "\(size)")
    var small = try Self.builder()
    #expect(throws: DecodingError.self) { try small.build(bytes: 5000) }
  }

  @Test func streamsHearWithIt() throws {
    let folder = try TemporaryFolder()
    let speech = try TestSignal.samples("speech.s16")
    func text(_ weight: Float) throws -> String {
      var options = RecognitionStream.Options()
      options.languageModel = try LanguageModel(path: Self.write(folder))
      options.languageModel?.weight = weight
      options.languageModel?.bonus = 0
      let stream = try RecognitionStream(StreamingModel(path: Self.modelPath), options: options)
      return try (stream.accept(speech) + stream.finish()).compactMap {
        if case .final(let segment, _) = $0 { segment.text } else { nil }
      }.joined(separator: " ")
    }
    let plain = try RecognitionStream(StreamingModel(path: Self.modelPath))
    let without = try (plain.accept(speech) + plain.finish()).compactMap {
      if case .final(let segment, _) = $0 { segment.text } else { nil }
    }.joined(separator: " ")
    #expect(try text(0) == without)
    // Each piece costs: with a large weight there are fewer.
    #expect(try text(3).count < without.count)
  }

  @Test func damagedFilesAreNamed() throws {
    let folder = try TemporaryFolder()
    let path = try Self.write(folder)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    for cut in [0, 7, 200, bytes.count / 2, bytes.count - 1] {
      try folder.write("cut.safetensors", bytes.prefix(cut))
      let error = #expect(throws: ModelError.self) { try LanguageModelFile(path: folder("cut.safetensors")) }
      #expect(error?.description.contains("cut.safetensors") == true)
    }
    #expect(throws: ModelError.self) { try LanguageModelFile(path: Self.modelPath) }
    #expect(throws: ModelError.self) { try LanguageModelFile(path: folder("none.safetensors")) }
    // Any byte of the tables may be wrong: words may be, but nothing traps.
    var random = SplitMix(state: 3)
    for _ in 0..<60 {
      var broken = bytes
      for _ in 0..<20 {
        broken[Int(random.next() % UInt64(bytes.count - 2000)) + 2000] = UInt8(
          truncatingIfNeeded: random.next())
      }
      try folder.write("broken.safetensors", broken)
      guard let model = try? LanguageModelFile(path: folder("broken.safetensors")).model else { continue }
      _ = model.logProbability([0, 1, 2, 3, 4, 5, 6, 7, 8])
    }
  }

  @Test func modelsOfOtherPiecesAreRefused() throws {
    let folder = try TemporaryFolder()
    var builder = try Self.builder()
    let other = try PieceVocabulary(pieces: StreamingModel(path: Self.modelPath).vocabulary.pieces.reversed())
    try LanguageModelFile.write(
      builder.build(limit: 10), for: LanguageModelVocabulary(other), licence: "", source: "",
      to: folder("lm.safetensors"))
    var options = RecognitionStream.Options()
    options.languageModel = try LanguageModel(path: folder("lm.safetensors"))
    #expect(throws: ModelError.self) {
      try RecognitionStream(StreamingModel(path: Self.modelPath), options: options)
    }
  }
}
