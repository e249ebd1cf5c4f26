// Writes a safetensors file, whole or not at all.

import Foundation

/// Writes the tensors that were declared at the start, in any order, to a temporary file beside the target, which
/// takes the target's name in `finish()`. Dropped without `finish()`, it leaves nothing behind.
///
/// Tensors lie in the file by decreasing element size, so that each is aligned to its elements; the data starts at a
/// multiple of 64 bytes.
public final class SafetensorsWriter {
  public struct Declaration: Sendable, Hashable {
    public var name: String
    public var elementType: ElementType
    public var shape: [Int]

    public init(name: String, elementType: ElementType, shape: [Int]) {
      self.name = name
      self.elementType = elementType
      self.shape = shape
    }
  }

  public let path: String
  private let temporaryPath: String
  private var descriptor: Int32
  private let header: SafetensorsHeader
  private let dataStart: Int
  private var missing: Set<String>
  /// Size of the file in bytes.
  public let byteCount: Int

  /// - Throws: `ModelError.unwritable` where the file cannot be made, `.tensor` for a name or shape that is not
  ///   possible.
  public init(path: String, tensors: [Declaration], metadata: [String: String] = [:]) throws {
    self.path = path
    var entries: [String: SafetensorsHeader.Entry] = [:]
    var end = 0
    let ordered = tensors.sorted { ($1.elementType.size, $0.name) < ($0.elementType.size, $1.name) }
    for tensor in ordered {
      guard tensor.name != SafetensorsHeader.metadataKey, entries[tensor.name] == nil,
        let count = elementCount(tensor.shape),
        case (let size, let overflow) = count.multipliedReportingOverflow(by: tensor.elementType.size),
        !overflow,
        case (let next, let tooLong) = end.addingReportingOverflow(size), !tooLong
      else {
        throw ModelError.tensor(path: path, name: tensor.name, reason: "its name or shape cannot be written")
      }
      entries[tensor.name] = .init(
        elementType: tensor.elementType, shape: tensor.shape, offsets: [end, next])
      end = next
    }
    header = SafetensorsHeader(metadata: metadata, entries: entries)
    missing = Set(entries.keys)
    let start = try header.encoded()
    dataStart = start.count
    byteCount = start.count + end

    // Renaming over a device or a folder would destroy it or fail late.
    var information = stat()
    if stat(path, &information) == 0, information.st_mode & S_IFMT != S_IFREG {
      throw ModelError.unwritable(path: path, reason: "it exists and is not a regular file")
    }
    temporaryPath = "\(path).partial-\(getpid())"
    unlink(temporaryPath)
    descriptor = -1
    descriptor = retryingInterrupts { open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
    guard descriptor >= 0 else { throw failure() }
    try start.withUnsafeBytes { try write($0, at: 0) }
  }

  /// Writes a tensor's elements.
  ///
  /// - Parameter bytes: all its elements, in the order and type of the declaration.
  public func write(_ name: String, bytes: UnsafeRawBufferPointer) throws {
    guard let entry = header.entries[name], bytes.count == entry.offsets[1] - entry.offsets[0] else {
      throw ModelError.tensor(path: path, name: name, reason: "its size differs from what was declared")
    }
    try write(bytes, at: dataStart + entry.offsets[0])
    missing.remove(name)
  }

  public func write<Element: BitwiseCopyable>(_ name: String, _ elements: [Element]) throws {
    try elements.withUnsafeBytes { try write(name, bytes: $0) }
  }

  /// Puts the file in place. Afterwards it is on the disk, under its name.
  public func finish() throws {
    if let name = missing.min() {
      throw ModelError.tensor(path: path, name: name, reason: "it was not written")
    }
    guard retryingInterrupts({ fsync(descriptor) }) == 0 else { throw failure() }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0, rename(temporaryPath, path) == 0 else {
      let error = failure()
      unlink(temporaryPath)
      throw error
    }
  }

  private func failure() -> ModelError { .unwritable(path: path, reason: systemErrorText(errno)) }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
    var done = 0
    while done < bytes.count, let base = bytes.baseAddress {
      let count = retryingInterrupts { pwrite(descriptor, base + done, bytes.count - done, offset + done) }
      guard count > 0 else { throw failure() }
      done += count
    }
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(temporaryPath)
  }
}
