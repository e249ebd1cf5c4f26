// A real screen, a real terminal in it, and a real model, for tests of what a user sees.

import Foundation
import SottoAudio
import SottoTestSupport

/// A screen and a terminal, and the model to listen with.
enum Desktop {
  static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// On a developer's machine the test is skipped where something is missing. Where everything must be tested, it fails.
  static let isExpected =
    ProcessInfo.processInfo.environment["CI"] != nil
    || (["Xvfb", "xterm", "xdotool"].allSatisfy { program in
      (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
      }
    } && FileManager.default.fileExists(atPath: package.appending(path: "models/tiny.en.safetensors").path))

  /// Begins a shell script with a screen of its own, `$screen` being its process; `soon CONDITION` waits for one.
  static let start = """
    Xvfb -displayfd 3 -screen 0 800x480x24 -nolisten tcp -terminate 3>display >/dev/null 2>&1 & screen=$!
    soon() { tries=0; until eval "$1"; do [ $((tries += 1)) -lt 600 ] || { echo "not soon: $1" >&2; break; }; sleep 0.05; done; }
    soon '[ -s display ]'
    export DISPLAY=:$(cat display)
    """

  /// Runs a shell script on a thread of its own: it mostly waits.
  static func run(
    _ script: String, _ environment: [String: String], in folder: TemporaryFolder
  ) async throws -> Program.Result {
    try await withCheckedThrowingContinuation { continuation in
      Thread {
        continuation.resume(
          with: Result {
            try Program(path: "/bin/sh").run(["-c", script], environment: environment, folder: folder.path)
          })
      }.start()
    }
  }

  /// "Hello, this is the library. Your book has arrived …": the first seconds of a sample.
  static func speech(seconds: Double) throws -> [Int16] {
    let source = try AudioInput(package.appending(path: "samples/telephone.wav").path).open()
    var samples: [Float] = []
    while samples.count < Int(16_000 * seconds) {
      let piece = try source.read(count: Int(16_000 * seconds) - samples.count)
      if piece.isEmpty { break }
      samples += piece
    }
    return samples.map { Int16(max(-32_768, min(32_767, $0 * 32_768))) }
  }
}
