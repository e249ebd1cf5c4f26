// Where text goes: standard output, or files that appear whole or not at all.

import Foundation

/// The reader of a pipe has gone. The program ends without a word.
struct OutputClosed: Error {}

protocol Output: AnyObject {
  func write(_ text: String) throws
  /// Everything has been written and shall stay.
  func commit() throws
  /// Nothing shall stay.
  func discard()
}

final class StandardOutput: Output {
  /// Both streams on one screen: the line of progress has to make room.
  private let isTerminal = isatty(STDOUT_FILENO) == 1

  func write(_ text: String) throws {
    guard !text.isEmpty else { return }
    if isTerminal {
      try Console.shared.withoutProgress { try writeAll(text, to: STDOUT_FILENO, name: "standard output") }
    } else {
      try writeAll(text, to: STDOUT_FILENO, name: "standard output")
    }
  }

  func commit() {}
  func discard() {}
}

/// A file under its final name only when it is complete: written under a temporary name beside it, then renamed.
/// Devices and named pipes are written directly.
final class OutputFile: Output {
  private let name: String
  private let target: String
  /// Nil where the target is written directly.
  private let temporary: String?
  private var descriptor: Int32

  /// - Throws: `Failure` naming the file.
  init(_ path: String) throws {
    name = path
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists, status.st_mode & S_IFMT == S_IFDIR {
      throw Failure("\(path): is a folder")
    }
    if exists, status.st_mode & S_IFMT != S_IFREG {
      target = path
      temporary = nil
      descriptor = open(path, O_WRONLY | O_CLOEXEC)
    } else {
      // A link is written through, not replaced.
      target = exists ? Self.resolved(path) : path
      let folder = (target as NSString).deletingLastPathComponent
      let base = ".sotto-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).tmp"
      let temporary = folder.isEmpty ? base : (folder as NSString).appendingPathComponent(base)
      self.temporary = temporary
      Interruption.register(temporary)
      descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0, exists { fchmod(descriptor, status.st_mode & 0o777) }
    }
    if descriptor < 0 {
      let reason = String(cString: strerror(errno))
      if let temporary { Interruption.forget(temporary) }
      throw Failure("\(path): cannot be written (\(reason))")
    }
  }

  deinit { discard() }

  func write(_ text: String) throws { try writeAll(text, to: descriptor, name: name) }

  func commit() throws {
    guard descriptor >= 0 else { return }
    // Some file systems tell of a full disk only now.
    let isSynced = temporary == nil || fsync(descriptor) == 0
    let isClosed = close(descriptor) == 0
    descriptor = -1
    guard let temporary else { return }
    guard isSynced, isClosed, rename(temporary, target) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(temporary)
      Interruption.forget(temporary)
      throw Failure("\(name): cannot be written (\(reason))")
    }
    Interruption.forget(temporary)
  }

  func discard() {
    guard descriptor >= 0 else { return }
    close(descriptor)
    descriptor = -1
    if let temporary {
      unlink(temporary)
      Interruption.forget(temporary)
    }
  }

  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }
}

/// Writes everything, however many calls of write(2) it takes.
///
/// - Throws: `OutputClosed` for a closed pipe, `Failure` with the system's reason otherwise.
func writeAll(_ text: String, to descriptor: Int32, name: String) throws {
  var text = text
  try text.withUTF8 { bytes in
    var rest = UnsafeRawBufferPointer(bytes)
    while let base = rest.baseAddress, !rest.isEmpty {
      let count = write(descriptor, base, rest.count)
      if count >= 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
      } else if errno == EAGAIN {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&waiting, 1, -1)
      } else if errno == EPIPE {
        throw OutputClosed()
      } else if errno != EINTR {
        throw Failure("\(name): cannot be written (\(String(cString: strerror(errno))))")
      }
    }
  }
}
