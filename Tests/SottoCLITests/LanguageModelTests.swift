// `sotto lm build`, and transcribing with what it made.

import Foundation
import SottoTestSupport
import Testing

@testable import SottoCLI

@Suite struct LanguageModelCommandTests {
  private static let stream = TestSignal.goldenPath("random-stream.safetensors")

  @Test func builtFromTextAndUsed() throws {
    let folder = try TemporaryFolder()
    try folder.write("notes.txt", String(repeating: "The bath is in the hall. That is a cab.\n", count: 50))
    let built = try Sotto.run(
      ["lm", "build", "--model", Self.stream, "notes.txt", "lm.safetensors"], in: folder)
    #expect(built.status == 0 && built.errors.isEmpty, "\(built.errors)")
    #expect(built.output.hasPrefix("lm.safetensors: n-grams of 1 to 5 pieces: 21, "), "\(built.output)")
    let heard = try Sotto.run(
      ["transcribe", "--model", Self.stream, "--lm", "lm.safetensors", BadModelTests.speech], in: folder)
    #expect(heard.status == 0 && heard.errors.isEmpty, "\(heard.errors)")
    let other = try Sotto.run(
      ["transcribe", "--model", Sotto.model, "--lm", "lm.safetensors", BadModelTests.speech], in: folder)
    #expect(other.status == 1 && other.errors.contains("sotto lm build --model random"), "\(other.errors)")
  }

  @Test func whatCannotBeUsed() throws {
    let folder = try TemporaryFolder()
    try folder.write("broken.arpa", "\\data\\\nngram 1=1\n\n\\1-grams:\nnothing")
    try folder.write("notes.txt", "The bath.")
    let broken = try Sotto.run(
      ["lm", "build", "--model", Self.stream, "broken.arpa", "lm.safetensors"], in: folder)
    #expect(broken.status == 1 && broken.errors.contains("broken.arpa: line 5"), "\(broken.errors)")
    let missing = try Sotto.run(
      ["lm", "build", "--model", Self.stream, "gone.txt", "lm.safetensors"], in: folder)
    #expect(missing.status == 1 && missing.errors.contains("gone.txt"))
    #expect(!FileManager.default.fileExists(atPath: folder("lm.safetensors")))
    for usage in [
      ["lm", "build", "one.txt"], ["lm", "build", "--order", "9", "a", "b"],
      ["lm", "build", "--size", "0", "a", "b"],
    ] {
      #expect(try Sotto.run(usage, in: folder).status == 2)
    }
  }
}
