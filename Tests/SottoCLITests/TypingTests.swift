// `sotto listen --type` with a real screen, a real terminal in it, and a real model: what is said into the microphone is in the window.

import Foundation
import SottoAudio
import SottoTestSupport
import Testing

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
}

@Suite(.enabled(if: Desktop.isExpected, "it needs Xvfb, xterm, xdotool, and models/tiny.en.safetensors"))
struct TypingTests {
  /// "Hello, this is the library.", and half a second of silence after it.
  private static func speech() throws -> [Int16] {
    let path = Desktop.package.appending(path: "samples/telephone.wav").path
    let source = try AudioInput(path).open()
    var samples: [Float] = []
    while samples.count < 31_000 {
      let piece = try source.read(count: 31_000 - samples.count)
      if piece.isEmpty { break }
      samples += piece
    }
    return samples.map { Int16(max(-32_768, min(32_767, $0 * 32_768))) }
  }

  @Test func whatIsSaidIsInTheWindow() async throws {
    let folder = try TemporaryFolder()
    try folder.write("replacements.txt", "library = Library (\"~#!?\"; $5 & <U>)\n")
    let microphone = try Microphone(Self.speech())
    let environment = microphone.environment.merging([
      "sotto": try Program.built("sotto").path, "XDG_CONFIG_HOME": "/nowhere",
      "SOTTO_MODELS": Desktop.package.appending(path: "models").path, "LC_ALL": "C.UTF-8",
    ]) { $1 }
    let line = """
      Xvfb -displayfd 3 -screen 0 640x480x24 -nolisten tcp -terminate 3>display >/dev/null 2>&1 & screen=$!
      soon() { tries=0; until eval "$1"; do [ $((tries += 1)) -lt 200 ] || { echo "not soon: $1" >&2; break; }; sleep 0.05; done; }
      soon '[ -s display ]'
      export DISPLAY=:$(cat display)
      xterm -u8 -e sh -c 'stty -echo -icanon; : > typed; exec cat > typed' >/dev/null 2>&1 & terminal=$!
      soon '[ -e typed ] && window=$(xdotool search --class xterm 2>/dev/null | tail -n 1) && [ -n "$window" ]'
      xdotool windowfocus --sync "$window"
      $sotto listen --type --replacements replacements.txt --duration 3.4 > shown
      status=$?
      soon '[ "$(wc -c < typed)" -ge "$(wc -c < shown)" ]'
      # Signals other than this one may be blocked here. The screen goes with its last window.
      kill -KILL $terminal; wait $screen
      exit $status
      """
    let result = try await withCheckedThrowingContinuation { continuation in
      Thread {
        continuation.resume(
          with: Result {
            try Program(path: "/bin/sh").run(["-c", line], environment: environment, folder: folder.path)
          })
      }.start()
    }
    #expect(result.status == 0, "\(result.errors)")
    let shown = try folder.text("shown").split(separator: "\n").joined(separator: " ")
    #expect(shown.contains("Hello") && shown.contains("Library (\"~#!?\"; $5 & <U>)"), "\(shown)")
    let typed = try folder.text("typed")
    #expect(typed.trimmingCharacters(in: .whitespaces) == shown, "\(result.errors)")
  }
}
