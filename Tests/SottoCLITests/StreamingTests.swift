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

  /// Ten minutes of speech take no more memory than one, but for their text; faster than time, with the shipped model.
  @Test func tenMinutes() throws {
    let model = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "models/stream-ctc.safetensors")
    let speech = try TestSignal.samples("speech.s16") + TestSignal.silence(seconds: 1.5)
    let folder = try TemporaryFolder()
    func peak(minutes: Int) throws -> Int {
      let count = minutes * 60 * 16_000 / speech.count
      let samples = Array(repeatElement(speech, count: count).joined()).map { Int16($0 * 32_767) }
      try WaveFile.wave(samples, rate: 16_000, channels: 1).write(
        to: URL(filePath: folder.path + "/speech.wav"))
      let result = try Sotto.shell(
        """
        $sotto transcribe --model \(model.path) --threads 1 speech.wav > text & p=$!
        while kill -0 $p 2>/dev/null; do grep VmHWM /proc/$p/status 2>/dev/null; sleep 0.02; done
        wait $p
        """, in: folder)
      #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
      #expect(try folder.text("text").split(separator: " ").count > 20 * minutes)
      let peaks = result.output.split(separator: "\n").compactMap {
        $0.split(separator: " ").dropFirst().first.flatMap { Int($0) }
      }
      return try #require(peaks.max())
    }
    let (one, ten) = (try peak(minutes: 1), try peak(minutes: 10))
    #expect(ten < one + 4_000, "\(one), \(ten) KiB")
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
