// Lines that another program says.

import Foundation

/// Reads lines from a descriptor as they come: not as `FileHandle`, which waits for as much as it was asked for.
final class LineReader {
  private let descriptor: Int32
  private var buffer = Data()

  /// - Parameter descriptor: closed with this object.
  init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Whether something has come, or the end, after at most so many seconds.
  func waits(seconds: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return !buffer.isEmpty || poll(&request, 1, seconds * 1000) > 0
  }

  /// The next line without its end, also one that the end of all cuts short; nil at the end.
  func next() -> Data? {
    while true {
      if let newline = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Data(buffer[buffer.startIndex..<newline])
        buffer = Data(buffer[buffer.index(after: newline)...])
        return line
      }
      let more = [UInt8](unsafeUninitializedCapacity: 1 << 16) { bytes, count in
        var got = read(descriptor, bytes.baseAddress, bytes.count)
        while got < 0, errno == EINTR { got = read(descriptor, bytes.baseAddress, bytes.count) }
        count = max(got, 0)
      }
      if more.isEmpty {
        defer { buffer = Data() }
        return buffer.isEmpty ? nil : buffer
      }
      buffer += more
    }
  }
}
