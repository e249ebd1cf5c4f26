// Owned, 64-byte aligned memory for trivial elements: the one place of this module that allocates raw memory.

/// A fixed-size block of `Element`s, aligned to 64 bytes (one cache line, one AVX-512 register).
///
/// The block is a reference: value types that hold one copy it before they write (`isKnownUniquelyReferenced`).
/// `Element` must be trivial (numbers).
final class AlignedBuffer<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int
  private let blockSize: Int

  /// - Parameter zeroed: whether the elements start as 0; else they must be written before they are read.
  init(count: Int, zeroed: Bool = true) {
    let bytes = (max(count, 1) * MemoryLayout<Element>.stride + 63) & ~63
    let block = BlockPool.take(bytes)
    if zeroed { block.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: bytes) }
    self.pointer = block.pointer.bindMemory(to: Element.self, capacity: max(count, 1))
    self.count = count
    blockSize = block.size
  }

  func copy() -> AlignedBuffer {
    let other = AlignedBuffer(count: count, zeroed: false)
    other.pointer.update(from: pointer, count: count)
    return other
  }

  deinit { BlockPool.give(UnsafeMutableRawPointer(pointer), size: blockSize) }
}
