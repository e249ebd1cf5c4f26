// `sotto models`, and where models are looked for.

import Foundation
import SottoTestSupport
import Testing

@testable import SottoCLI

@Suite struct ModelsTests {
  @Test func listed() throws {
    let folder = try TemporaryFolder()
    let model = try Data(contentsOf: URL(fileURLWithPath: Sotto.model))
    try folder.write("one/random.safetensors", model)
    try folder.write("two/broken.safetensors", model.prefix(1000))
    try folder.write("two/readme.txt", "no model")
    let models = ["SOTTO_MODELS": "\(folder("one")):\(folder("two"))"]
    let table = try Sotto.run(["models"], environment: models)
    #expect(table.status == 1)
    #expect(table.errors.hasPrefix("sotto: \(folder("two/broken.safetensors"))"))
    let row = try #require(table.output.split(separator: "\n").first { $0.hasPrefix("random") })
    #expect(
      row.contains("16.00") && row.contains("CC0-1.0") && row.hasSuffix(folder("one/random.safetensors")))

    let json = try Sotto.run(["models", "-f", "json"], environment: ["SOTTO_MODELS": folder("one")])
    #expect(json.status == 0 && json.errors.isEmpty)
    let list = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
    let found = try #require(list.first { $0["name"] as? String == "random" })
    #expect(found["size"] as? Int == model.count && found["bits_per_weight"] as? Double == 16)
    #expect(found["family"] as? String == "attention" && found["streaming"] as? Bool == false)
  }

  @Test func streamingModels() throws {
    let folder = try TemporaryFolder()
    let path = TestSignal.goldenPath("random-stream.safetensors")
    try folder.write("random.safetensors", Data(contentsOf: URL(fileURLWithPath: path)))
    let models = ["SOTTO_MODELS": folder.path]
    let table = try Sotto.run(["models"], environment: models)
    #expect(table.output.contains("ctc, streams") && table.errors.isEmpty)
    let silence = [Int16](repeating: 0, count: 1600)
    try folder.write("silence.wav", WaveFile.wave(silence, rate: 16_000, channels: 1))
    for family in ["rnnt", "mocha"] {
      let decoder = TestSignal.goldenPath("random-\(family).safetensors")
      try folder.write("\(family).safetensors", Data(contentsOf: URL(fileURLWithPath: decoder)))
      let output = try Sotto.run(["models"], environment: models).output
      #expect(output.contains("\(family) on random-stream, streams"))
      // What it stands on has another name here.
      let failed = try Sotto.run(
        ["transcribe", "--model", folder("\(family).safetensors"), folder("silence.wav")])
      #expect(failed.status == 1 && failed.errors.contains("Put that model into the same folder"))
    }
  }

  @Test func searchedFoldersInOrder() {
    let search = ModelSearch(
      environment: ["SOTTO_MODELS": "/a:/b", "XDG_DATA_HOME": "/home", "XDG_DATA_DIRS": "/x:/a"],
      executable: "/opt/sotto/bin/sotto")
    #expect(
      search.folders == [
        "/a", "/b", "/opt/sotto/share/sotto/models", "/home/sotto/models", "/x/sotto/models",
        "/a/sotto/models",
      ])
    let standard = ModelSearch(environment: ["HOME": "/home/me"], executable: nil)
    #expect(
      standard.folders == [
        "/home/me/.local/share/sotto/models", "/usr/local/share/sotto/models", "/usr/share/sotto/models",
      ])
  }

  @Test func modelsOfThePackageAreFound() throws {
    let folder = try TemporaryFolder()
    try folder.write("Package.swift", "")
    let search = ModelSearch(
      environment: [:], executable: folder(".build/x86_64-unknown-linux-gnu/release/sotto"))
    #expect(search.folders.contains(folder("models")))
  }
}
