// Large blocks of memory, used again instead of given back.

import Glibc
import Synchronization

/// Keeps large blocks that are free, so that the matrices of one piece of speech lie where those of the last one lay. They
/// are mapped by themselves: in the heap, asked for in ever other sizes, they leave holes that grow (three hours of speech
/// took 75 MB more than a minute), and mapped anew each time they cost a page fault for every 4 kB.
enum BlockPool {
  /// Blocks below this many bytes are left to the allocator.
  static let smallest = 1 << 18
  /// Bytes of free blocks that are kept at most; the oldest go first.
  static let mostKept = 12 << 20
  static let alignment = 64

  private struct Block {
    var address: UInt
    var size: Int
  }

  private struct State {
    /// Free blocks, the one that became free first in front.
    var free: [Block] = []
    var kept = 0
  }

  private static let state = Mutex(State())

  /// A block of at least `size` bytes, and its size. What is in it is undefined.
  static func take(_ size: Int) -> (pointer: UnsafeMutableRawPointer, size: Int) {
    if size >= smallest {
      let found = state.withLock { state -> Block? in
        var best: Int?
        for (index, block) in state.free.enumerated()
        where block.size >= size && block.size <= 2 * size
          && block.size < best.map({ state.free[$0].size }) ?? .max
        {
          best = index
        }
        guard let best else { return nil }
        state.kept -= state.free[best].size
        return state.free.remove(at: best)
      }
      if let found, let pointer = UnsafeMutableRawPointer(bitPattern: found.address) {
        return (pointer, found.size)
      }
    }
    if size >= smallest {
      let pointer = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      if let pointer, pointer != MAP_FAILED { return (pointer, size) }
    }
    // A size below `smallest` tells `give` that the block is not mapped, also where the system maps no more.
    let pointer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: alignment)
    return (pointer, min(size, smallest - 1))
  }

  /// Takes back what `take` gave.
  static func give(_ pointer: UnsafeMutableRawPointer, size: Int) {
    guard size >= smallest else {
      pointer.deallocate()
      return
    }
    let surplus = state.withLock { state -> [Block] in
      state.free.append(Block(address: UInt(bitPattern: pointer), size: size))
      state.kept += size
      var surplus: [Block] = []
      while state.kept > mostKept {
        let oldest = state.free.removeFirst()
        state.kept -= oldest.size
        surplus.append(oldest)
      }
      return surplus
    }
    for block in surplus { munmap(UnsafeMutableRawPointer(bitPattern: block.address), block.size) }
  }
}
