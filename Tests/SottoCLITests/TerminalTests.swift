// `sotto listen` in a real terminal whose window changes its size: one live line, and every final text once.

import Foundation
import SottoTestSupport
import Testing

@Suite(.enabled(if: Desktop.isExpected, "it needs Xvfb, xterm, xdotool, and models/tiny.en.safetensors"))
struct TerminalTests {
  @Test func theWindowMayChangeItsSize() async throws {
    let folder = try TemporaryFolder()
    let microphone = try Microphone(Desktop.speech(seconds: 6))
    let environment = microphone.environment.merging([
      "sotto": try Program.built("sotto").path, "XDG_CONFIG_HOME": "/nowhere",
      "SOTTO_MODELS": Desktop.package.appending(path: "models").path, "LC_ALL": "C.UTF-8",
    ]) { $1 }
    // F12 writes what is on the screen to a file that is named for the second. A size is in columns and rows.
    let script = """
      \(Desktop.start)
      xterm -u8 -geometry 80x12 -xrm 'XTerm*VT100.translations: #override <Key>F12: print-immediate()' \
        -xrm 'XTerm*printFileImmediate: screen' \
        -e sh -c ': > up; $sotto listen --duration 8 --append notes.txt; : > done; exec sleep 60' >/dev/null 2>&1 & terminal=$!
      soon '[ -e up ] && window=$(xdotool search --onlyvisible --class xterm 2>/dev/null | tail -n 1) && [ -n "$window" ]'
      xdotool windowfocus --sync "$window"
      look() { rm -f screen*; xdotool key F12; soon '[ -s screen* ]'; sleep 0.1; mv screen* "$1"; }
      # On a machine with much to do the line comes late.
      live() { for try in 1 2 3 4 5 6; do look "$1"; grep -q -e '·' -e '█' "$1" && return; sleep 0.3; done; }
      sleep 2
      live wide
      xdotool windowsize --usehints "$window" 44 12
      sleep 1.2
      live narrow
      xdotool windowsize --usehints "$window" 100 12
      soon '[ -e done ]'
      sleep 0.2
      look end
      kill -KILL $terminal; wait $screen
      """
    let result = try await Desktop.run(script, environment, in: folder)
    #expect(result.errors.isEmpty, "\(result.errors)")
    func screen(_ name: String) throws -> [Substring] {
      try folder.text(name).split(separator: "\n").map { $0.last == "\r" ? $0.dropLast() : $0 }
    }
    for name in ["wide", "narrow"] {
      let lines = try screen(name)
      let live = lines.filter { $0.contains("·") || $0.contains("█") }
      #expect(live.count == 1 && lines.last == live.first, "\(name): \(lines)")
    }
    #expect(try screen("narrow").allSatisfy { $0.count <= 44 })
    let notes = try folder.text("notes.txt").split(separator: "\n")
    #expect(notes.first?.contains("library") == true, "\(notes)")
    // The live line is gone; what is longer than the window goes on in the next row.
    let end = try screen("end").joined()
    #expect(end == notes.joined(), "\(end)")
  }
}
