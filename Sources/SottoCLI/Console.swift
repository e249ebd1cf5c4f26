// Standard error: messages, and one line of progress that gives way to them.

import Foundation
import Synchronization

/// All that goes to standard error goes through here, so that messages and the line of progress do not mix.
final class Console: Sendable {
  static let shared = Console()

  /// The line of progress on the screen; empty where there is none.
  private let line = Mutex("")

  /// Whether standard error is a terminal that can overwrite a line.
  let isTerminal = isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"

  /// Columns of the terminal.
  var width: Int {
    var size = winsize()
    let isKnown = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }

  /// A message in the form `sotto: MESSAGE`, on one line.
  func report(_ message: String) { write("sotto: \(message)\n") }

  /// Writes above the line of progress.
  func write(_ text: String) { withoutProgress { emit(text) } }

  /// Takes the line of progress away while `body` writes to the screen.
  func withoutProgress<Result>(_ body: () throws -> Result) rethrows -> Result {
    try line.withLock { line in
      if !line.isEmpty { emit(clear(line)) }
      defer { if !line.isEmpty { emit(line) } }
      return try body()
    }
  }

  func showProgress(_ text: String) {
    line.withLock { old in
      let isNarrower = rows(of: old) > 1
      if text == old, !isNarrower { return }
      // Written over the old line, in one piece and without erasing it first: nothing flickers.
      emit(isNarrower ? clear(old) + text : "\r" + text + Self.eraseToEnd)
      old = text
    }
  }

  func clearProgress() {
    line.withLock { line in
      if !line.isEmpty { emit(clear(line)) }
      line = ""
    }
  }

  /// For the moment of the program's end: does not wait for a thread that is writing.
  func clearProgressIfIdle() {
    _ = line.withLockIfAvailable { if !$0.isEmpty { emit(clear($0)) } }
  }

  /// ECMA-48: erase to the end of the line.
  private static let eraseToEnd = "\u{1B}[K"

  /// xterm cuts lines off where its window gets narrower; other terminals break them, into several rows.
  private let breaksLines = ProcessInfo.processInfo.environment["XTERM_VERSION"] == nil

  /// Rows that a line takes now that was drawn into one: the window may have been made narrower.
  private func rows(of line: String) -> Int {
    breaksLines ? max(1, (line.withoutStyle.columns + width - 1) / width) : 1
  }

  /// To the start of the line, and erase it.
  private func clear(_ line: String) -> String {
    let above = rows(of: line) - 1
    return above > 0 ? "\r\u{1B}[\(above)A\u{1B}[J" : "\r" + Self.eraseToEnd
  }

  private func emit(_ text: String) {
    // Where even standard error fails, there is nobody left to tell.
    try? writeAll(text, to: STDERR_FILENO, name: "standard error")
  }
}
