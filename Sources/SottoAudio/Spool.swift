// A stream stored in a file without a name, for decoders that must seek.
import Foundation

/// Stores everything that a stream had and has, and returns the file at its start. The disk is the only limit.
///
/// - Precondition: the stream's record is complete.
/// - Throws: `AudioError`.
func spool(_ stream: ByteStream, name: String) throws -> FileDescriptor {
  do {
    let file = try temporaryFile()
    try (stream.record ?? []).withUnsafeBytes { try file.write($0) }
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count: Int
      do {
        count = try block.withUnsafeMutableBytes { try stream.descriptor.read(into: $0) }
      } catch let error as SystemError {
        throw AudioError.notReadable(name, reason: error.reason)
      }
      if count == 0 { break }
      try block.withUnsafeBytes { try file.write(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
    try file.seek(to: 0)
    return file
  } catch let error as SystemError {
    throw AudioError.spoolFailed(name, reason: error.reason)
  }
}

/// A new file that vanishes when it is closed: in `TMPDIR`, or in /var/tmp, which is on a disk where /tmp may be
/// in memory.
private func temporaryFile() throws(SystemError) -> FileDescriptor {
  let chosen = ProcessInfo.processInfo.environment["TMPDIR"] ?? ""
  var failure: SystemError?
  for folder in chosen.isEmpty ? ["/var/tmp", "/tmp"] : [chosen] {
    var path = Array("\(folder)/sotto-XXXXXX".utf8CString)
    let number = path.withUnsafeMutableBufferPointer { $0.baseAddress.map { mkstemp($0) } ?? -1 }
    if number >= 0 {
      unlink(path)
      _ = fcntl(number, F_SETFD, FD_CLOEXEC)
      return FileDescriptor(owning: number)
    }
    failure = failure ?? SystemError(code: errno)
  }
  throw failure ?? SystemError(code: ENOENT)
}
