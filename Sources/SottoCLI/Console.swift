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
      if !line.isEmpty { emit(Self.clear) }
      defer { if !line.isEmpty { emit(line) } }
      return try body()
    }
  }

  func showProgress(_ text: String) {
    line.withLock { line in
      line = text
      emit(Self.clear + text)
    }
  }

  func clearProgress() {
    line.withLock { line in
      if !line.isEmpty { emit(Self.clear) }
      line = ""
    }
  }

  /// For the moment of the program's end: does not wait for a thread that is writing.
  func clearProgressIfIdle() {
    _ = line.withLockIfAvailable { if !$0.isEmpty { emit(Self.clear) } }
  }

  /// To the start of the line, and erase to its end (ECMA-48).
  private static let clear = "\r\u{1B}[K"

  private func emit(_ text: String) {
    // Where even standard error fails, there is nobody left to tell.
    try? writeAll(text, to: STDERR_FILENO, name: "standard error")
  }
}
