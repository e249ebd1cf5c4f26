// What happens on Ctrl-C and the like: no half-written file stays behind.

import Dispatch
import Foundation
import Synchronization

/// Removes the temporary files that are registered here when a signal ends the program.
enum Interruption {
  private static let temporaryFiles = Mutex<Set<String>>([])

  private static let first = Mutex<(@Sendable () -> Void)?>(nil)

  /// The value of the C macro SIG_IGN, for handlers cannot be compared in Swift.
  private static let ignored = unsafeBitCast(SIG_IGN, to: Int.self)

  static func prepare() {
    // A closed pipe is then an error of write(2), which is handled where it occurs.
    signal(SIGPIPE, SIG_IGN)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // What the parent wants ignored (nohup) stays so.
      if unsafeBitCast(signal(number, SIG_IGN), to: Int.self) == Self.ignored { continue }
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInitiated))
      source.setEventHandler { end(by: number) }
      source.resume()
      // Its handler is to live as long as the program.
      withExtendedLifetime(source) { _ = Unmanaged.passRetained(source as AnyObject) }
    }
  }

  static func register(_ path: String) { temporaryFiles.withLock { _ = $0.insert(path) } }

  static func forget(_ path: String) { temporaryFiles.withLock { _ = $0.remove(path) } }

  /// The next signal does this in place of ending the program; the one after it ends the program.
  static func takeFirst(_ action: @escaping @Sendable () -> Void) { first.withLock { $0 = action } }

  private static func end(by number: Int32) {
    let action = first.withLock { action in
      defer { action = nil }
      return action
    }
    if let action { return action() }
    // The lock is kept: nothing may create or rename a file from here on.
    temporaryFiles.withLock { paths in
      for path in paths { unlink(path) }
      Console.shared.clearProgressIfIdle()
      _exit(128 + number)
    }
  }
}

/// Ends the program at once; whatever had to be written has been.
func quit(_ status: Int32) -> Never { exit(status) }
