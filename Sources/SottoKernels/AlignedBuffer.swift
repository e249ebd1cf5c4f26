// Owned, 64-byte aligned memory for trivial elements: the one place of this module that allocates raw memory.

/// A fixed-size block of `Element`s, aligned to 64 bytes (one cache line, one AVX-512 register), zero at the start.
///
/// The block is a reference: value types that hold one copy it before they write (`isKnownUniquelyReferenced`).
/// `Element` must be trivial (numbers).
final class AlignedBuffer<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int

  init(count: Int) {
    let bytes = max(count, 1) * MemoryLayout<Element>.stride
    let raw = UnsafeMutableRawPointer.allocate(byteCount: (bytes + 63) & ~63, alignment: 64)
    raw.initializeMemory(as: UInt8.self, repeating: 0, count: (bytes + 63) & ~63)
    self.pointer = raw.bindMemory(to: Element.self, capacity: max(count, 1))
    self.count = count
  }

  func copy() -> AlignedBuffer {
    let other = AlignedBuffer(count: count)
    other.pointer.update(from: pointer, count: count)
    return other
  }

  deinit { UnsafeMutableRawPointer(pointer).deallocate() }
}
