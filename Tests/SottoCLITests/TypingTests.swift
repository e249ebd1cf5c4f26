// `sotto listen --type` with a real screen, a real terminal in it, and a real model: what is said into the microphone is in the window.

import Foundation
import SottoTestSupport
import Testing

@Suite(.enabled(if: Desktop.isExpected, "it needs Xvfb, xterm, xdotool, and models/tiny.en.safetensors"))
struct TypingTests {
  @Test func whatIsSaidIsInTheWindow() async throws {
    let folder = try TemporaryFolder()
    try folder.write("replacements.txt", "library = Library (\"~#!?\"; $5 & <U>)\n")
    let microphone = try Microphone(Desktop.speech(seconds: 1.94))
    let environment = microphone.environment.merging([
      "sotto": try Program.built("sotto").path, "XDG_CONFIG_HOME": "/nowhere",
      "SOTTO_MODELS": Desktop.package.appending(path: "models").path, "LC_ALL": "C.UTF-8",
    ]) { $1 }
    let line = """
      \(Desktop.start)
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
    let result = try await Desktop.run(line, environment, in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let shown = try folder.text("shown").split(separator: "\n").joined(separator: " ")
    #expect(shown.contains("Hello") && shown.contains("Library (\"~#!?\"; $5 & <U>)"), "\(shown)")
    let typed = try folder.text("typed")
    #expect(typed.trimmingCharacters(in: .whitespaces) == shown, "\(result.errors)")
  }
}
