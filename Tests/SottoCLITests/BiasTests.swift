// `--bias`: phrases and files of them, and what cannot be used.

import Foundation
import SottoTestSupport
import Testing

@testable import SottoCLI

@Suite struct BiasTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("a.wav", WaveFile.noise(seconds: 0.3))
    try folder.write("names", "# people\nAbel\t2\nNora\n")
  }

  @Test func phrasesAndFiles() throws {
    let result = try Sotto.transcribe(
      "--bias", "names", "--bias", "Kim: 2", "--bias-weight", "3", "a.wav",
      in: folder)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
  }

  @Test func whatCannotBeUsed() throws {
    try folder.write("bad", "one\ntwo\tmany\n")
    try folder.write("binary", Data([97, 10, 0xFF, 0xFE, 10]))
    for (argument, told) in [
      ("bad", "bad: line 2: “many” after the tab is no weight"), ("binary", "binary: line 2"),
      ("gone.txt", "gone.txt: no such file"), ("a/names", "a/names: no such file"), ("...", "“...”"),
      ("name:-1", "the weight -1.0"), ("a.wav", "a.wav: line "),
    ] {
      let result = try Sotto.transcribe("--bias", argument, "a.wav", in: folder)
      #expect(result.status == 1 && result.output.isEmpty)
      #expect(result.errors.contains(told), "\(result.errors)")
    }
    let weight = try Sotto.transcribe("--bias", "names", "--bias-weight", "0", "a.wav", in: folder)
    #expect(weight.status == 2 && weight.errors.contains("--bias-weight"))
    let unspelled = try Sotto.run(
      [
        "transcribe", "--model", TestSignal.goldenPath("random-stream.safetensors"), "--bias", "Zzq", "a.wav",
      ],
      in: folder)
    #expect(unspelled.status == 1 && unspelled.errors.contains("“Zzq”"))
  }
}
