// The built program, with a small model for tests.

import Foundation
import SottoTestSupport
import Testing

enum Sotto {
  /// A model of random weights: what it says is of no use, but it says it fast.
  static let model = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Golden/random-model.safetensors").path

  /// Runs the program in `folder`, apart from what is installed on this machine.
  static func run(
    _ arguments: [String], input: Data? = nil, environment: [String: String] = [:],
    in folder: TemporaryFolder? = nil,
    signal: (number: Int32, delay: Double)? = nil
  ) throws -> Program.Result {
    let base = [
      "SOTTO_MODELS": "", "XDG_DATA_HOME": "/nowhere", "XDG_DATA_DIRS": "/nowhere",
      "XDG_CONFIG_HOME": "/nowhere",
      "COLUMNS": "80",
    ]
    return try Program.built("sotto").run(
      arguments, input: input, environment: base.merging(environment) { $1 }, folder: folder?.path,
      signal: signal)
  }

  /// `sotto transcribe` with the small model.
  static func transcribe(
    _ arguments: String..., input: Data? = nil, in folder: TemporaryFolder,
    signal: (number: Int32, delay: Double)? = nil
  ) throws -> Program.Result {
    try run(["transcribe", "--model", model] + arguments, input: input, in: folder, signal: signal)
  }

  /// Runs a line of the shell in which `$sotto` is the program.
  static func shell(_ line: String, in folder: TemporaryFolder) throws -> Program.Result {
    let environment = ["sotto": try Program.built("sotto").path, "model": model]
    return try Program(path: "/bin/sh").run(["-c", line], environment: environment, folder: folder.path)
  }

  static func objects(_ lines: String) throws -> [[String: Any]] {
    try lines.split(separator: "\n").map { line in
      try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }
}
