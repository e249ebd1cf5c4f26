// A file's bytes, mapped into memory.

import Foundation

/// A regular file mapped read-only. The mapping lives as long as the object; pages are read when they are touched.
///
/// The file must not be cut short by others while it is mapped. Replacing it (rename) is safe.
final class MappedFile: @unchecked Sendable {
  let path: String
  let bytes: UnsafeRawBufferPointer

  /// - Throws: `ModelError.unreadable` where the file is missing, no regular file, or cannot be mapped.
  init(path: String) throws {
    self.path = path
    // Without O_NONBLOCK, opening a named pipe would wait for a writer.
    let descriptor = retryingInterrupts { open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) }
    guard descriptor >= 0 else { throw ModelError.unreadable(path: path, reason: systemErrorText(errno)) }
    defer { close(descriptor) }

    var information = stat()
    guard fstat(descriptor, &information) == 0 else {
      throw ModelError.unreadable(path: path, reason: systemErrorText(errno))
    }
    guard information.st_mode & S_IFMT == S_IFREG else {
      let kind = information.st_mode & S_IFMT == S_IFDIR ? "it is a folder" : "it is not a regular file"
      throw ModelError.unreadable(path: path, reason: kind)
    }
    guard let size = Int(exactly: information.st_size), size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw ModelError.unreadable(path: path, reason: systemErrorText(errno))
    }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
  }

  deinit {
    if let base = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: base), bytes.count) }
  }
}
