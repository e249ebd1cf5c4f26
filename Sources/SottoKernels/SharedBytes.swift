// Read-only bytes that are used where they lie: in a mapped file or in an array.

/// A run of read-only bytes together with the object that keeps them alive. Copies share the bytes.
public struct SharedBytes: @unchecked Sendable {
  private let base: UnsafeRawPointer?
  private let owner: AnyObject & Sendable
  public let count: Int

  /// Bytes inside memory that `owner` keeps alive, and that nobody changes while it lives.
  public init(_ bytes: UnsafeRawBufferPointer, owner: AnyObject & Sendable) {
    self.base = bytes.baseAddress
    self.count = bytes.count
    self.owner = owner
  }

  /// A copy of the array's elements, aligned to 64 bytes.
  public init<Element: BitwiseCopyable & Sendable>(_ elements: [Element]) {
    let bytes = elements.count * MemoryLayout<Element>.stride
    let buffer = AlignedBuffer<UInt8>(count: bytes)
    elements.withUnsafeBytes { source in
      UnsafeMutableRawBufferPointer(start: buffer.pointer, count: bytes).copyMemory(from: source)
    }
    self.init(UnsafeRawBufferPointer(start: buffer.pointer, count: bytes), owner: buffer)
  }

  /// Calls `body` with the bytes. The pointer need not be aligned to more than one byte, and is valid in `body` only.
  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(owner) { try body(UnsafeRawBufferPointer(start: base, count: count)) }
  }

  /// The bytes of `range`, shared with these; cut to what there is.
  public func slice(_ range: Range<Int>) -> SharedBytes {
    let part = range.clamped(to: 0..<count)
    let bytes = UnsafeRawBufferPointer(start: base.map { $0 + part.lowerBound }, count: part.count)
    return SharedBytes(bytes, owner: owner)
  }
}
