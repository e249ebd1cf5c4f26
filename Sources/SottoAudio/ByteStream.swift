// Bytes of a file or pipe in order, with a look ahead and, while a header is read, a record of what went by.

/// Sequential bytes of a descriptor.
final class ByteStream {
  /// Enough for every header with its text chunks; pictures in headers are larger and are not worth the memory.
  static let recordLimit = 1 << 20
  private static let blockSize = 1 << 16

  let descriptor: FileDescriptor
  /// Bytes consumed since the start.
  private(set) var position = 0
  /// Everything that was read from the descriptor, for handing the whole stream on to another reader; nil
  /// where there was more than `recordLimit`, or after `stopRecording`.
  private(set) var record: [UInt8]? = []
  private let canSeek: Bool
  private var ahead: [UInt8] = []
  private var aheadStart = 0

  /// - Parameter canSeek: whether long skips may seek (a regular file).
  init(_ descriptor: FileDescriptor, canSeek: Bool) {
    self.descriptor = descriptor
    self.canSeek = canSeek
  }

  func stopRecording() { record = nil }

  /// Copies at most `buffer.count` bytes, waiting only for the first. 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    guard !buffer.isEmpty else { return 0 }
    if aheadStart == ahead.count, record == nil {
      let count = try descriptor.read(into: buffer)
      position += count
      return count
    }
    if aheadStart == ahead.count, try !fill() { return 0 }
    let count = min(buffer.count, ahead.count - aheadStart)
    buffer.copyBytes(from: ahead[aheadStart..<aheadStart + count])
    aheadStart += count
    position += count
    return count
  }

  /// The next `count` bytes; nil where the stream ends before.
  func take(_ count: Int) throws -> [UInt8]? {
    let bytes = try peek(count)
    guard bytes.count == count else { return nil }
    aheadStart += count
    position += count
    return bytes
  }

  /// The next `count` bytes without consuming them, fewer at the end of the stream.
  func peek(_ count: Int) throws -> [UInt8] {
    while ahead.count - aheadStart < count, try fill() {}
    return Array(ahead[aheadStart..<min(ahead.count, aheadStart + count)])
  }

  /// Passes over `count` bytes. Returns false where the stream ends before; a seek does not notice that.
  func skip(_ count: Int) throws -> Bool {
    let buffered = min(count, ahead.count - aheadStart)
    aheadStart += buffered
    position += buffered
    var rest = count - buffered
    if canSeek, rest > 0 {
      let (target, overflow) = try descriptor.position().addingReportingOverflow(rest)
      guard !overflow, try target <= descriptor.size() else { return false }
      try descriptor.seek(to: target)
      position += rest
      record = nil
      return true
    }
    while rest > 0 {
      guard try aheadStart < ahead.count || fill() else { return false }
      let step = min(rest, ahead.count - aheadStart)
      aheadStart += step
      position += step
      rest -= step
    }
    return true
  }

  /// Reads one more block behind what is ahead. Returns false at the end.
  private func fill() throws -> Bool {
    ahead.removeFirst(aheadStart)
    aheadStart = 0
    var block = [UInt8](repeating: 0, count: Self.blockSize)
    let count = try block.withUnsafeMutableBytes { try descriptor.read(into: $0) }
    ahead += block[..<count]
    if let known = record {
      record = known.count + count <= Self.recordLimit ? known + block[..<count] : nil
    }
    return count > 0
  }
}
