// Open files as values: system calls that retry, name themselves, and close on release.
import Foundation

/// A failed system call.
struct SystemError: Error {
  let code: Int32
  var reason: String { String(cString: strerror(code)) }
}

/// An open file, pipe or device, closed with the last reference to it.
final class FileDescriptor {
  let number: Int32

  init(owning number: Int32) {
    self.number = number
  }

  deinit { close(number) }

  /// Opens a path for reading.
  convenience init(path: String) throws(SystemError) {
    // Where the name is a pipe, this waits for a writer, as every program does.
    self.init(owning: try retrying { open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) })
  }

  /// A second number for an open file; both move along in it together.
  convenience init(duplicating number: Int32) throws(SystemError) {
    self.init(owning: try Self.duplicate(number))
  }

  /// A second number that the caller must close.
  static func duplicate(_ number: Int32) throws(SystemError) -> Int32 {
    try retrying { fcntl(number, F_DUPFD_CLOEXEC, 3) }
  }

  /// The same file opened afresh, with a position of its own; it may have no name any more.
  func reopened() throws(SystemError) -> FileDescriptor {
    try FileDescriptor(path: "/proc/self/fd/\(number)")
  }

  enum Kind { case regular, directory, terminal, other }

  func kind() throws(SystemError) -> Kind {
    switch try status().st_mode & S_IFMT {
    case S_IFREG: .regular
    case S_IFDIR: .directory
    case S_IFCHR where isatty(number) == 1: .terminal
    default: .other
    }
  }

  /// Bytes in a regular file.
  func size() throws(SystemError) -> Int { Int(try status().st_size) }

  func position() throws(SystemError) -> Int { Int(try retrying { lseek(number, 0, SEEK_CUR) }) }

  func seek(to position: Int) throws(SystemError) {
    _ = try retrying { lseek(number, off_t(position), SEEK_SET) }
  }

  /// Reads at most `buffer.count` bytes: what is there, waiting only for the first. 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
    while true {
      do {
        return try retrying { Foundation.read(number, buffer.baseAddress, buffer.count) }
      } catch  where error.code == EAGAIN || error.code == EWOULDBLOCK {
        // Another program may have made a shared standard input non-blocking.
        var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        _ = try retrying { poll(&entry, 1, -1) }
      }
    }
  }

  /// Writes all bytes.
  func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
    var rest = bytes
    while !rest.isEmpty {
      let written = try retrying { Foundation.write(number, rest.baseAddress, rest.count) }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
    }
  }

  private func status() throws(SystemError) -> stat {
    var result = stat()
    _ = try retrying { fstat(number, &result) }
    return result
  }
}

/// Repeats a system call that a signal interrupted.
private func retrying<Result: BinaryInteger>(_ call: () -> Result) throws(SystemError) -> Result {
  while true {
    let result = call()
    if result >= 0 { return result }
    let code = errno
    if code != EINTR { throw SystemError(code: code) }
  }
}
