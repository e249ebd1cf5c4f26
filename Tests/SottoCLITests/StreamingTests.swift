// `sotto transcribe` with a streaming model, of random weights.

import Foundation
import SottoTestSupport
import Testing

@testable import SottoCLI

@Suite struct StreamingTests {
  private static let stream = TestSignal.goldenPath("random-stream.safetensors")

  private static func transcribe(_ options: String..., model: String = stream) throws -> Program.Result {
    try Sotto.run(["transcribe", "--model", model] + options + [BadModelTests.speech])
  }

  @Test func partialsLeadToTheText() throws {
    let plain = try Self.transcribe()
    let result = try Self.transcribe("--partials", "--chunk", "160")
    #expect(plain.status == 0 && result.status == 0 && result.errors.isEmpty)
    let lines = result.output.split(separator: "\n")
    let partials = lines.filter { $0.hasPrefix("    ") }
    #expect(partials.count >= 5 && lines.count > partials.count)
    #expect(partials.allSatisfy { $0.contains("|") && Double($0.split(separator: " ")[0]) != nil })
    // The words of the texts are the same: partial results change nothing.
    let texts = lines.filter { !$0.hasPrefix("    ") }
    #expect(texts == plain.output.split(separator: "\n"))
  }

  @Test func partialsAsObjects() throws {
    let result = try Self.transcribe("--partials", "--format", "jsonl", "--chunk", "80")
    let objects = try result.output.split(separator: "\n").map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(objects.last?["text"] is String && objects.last?["model"] as? String == "random-stream")
    #expect(objects.count > 5)
    for partial in objects.dropLast() {
      #expect(partial["committed"] is String && partial["volatile"] is String && partial["time"] is Double)
    }
  }

  @Test func chunksThatTheModelDoesNotKnow() throws {
    let result = try Self.transcribe("--chunk", "640")
    #expect(result.status == 1 && result.output.isEmpty)
    #expect(result.errors.contains("has no chunks of 640 ms; take one of 80, 160, 320"), "\(result.errors)")
  }

  @Test func modelsThatDoNotStream() throws {
    let result = try Sotto.run(["transcribe", "--model", Sotto.model, "--chunk", "320", BadModelTests.speech])
    #expect(result.status == 2 && result.output.isEmpty)
    #expect(result.errors.contains("--chunk needs --partials, or a streaming model"), "\(result.errors)")
  }
}
