// Memory between pages that can be neither read nor written, so that a step too far ends the test run.

import Glibc

/// `count` elements that end where a forbidden page begins, or begin where one ends.
final class GuardedBuffer<Element: BitwiseCopyable> {
  enum Side: CaseIterable { case start, end }

  let pointer: UnsafeMutablePointer<Element>
  let count: Int
  private let mapping: UnsafeMutableRawPointer
  private let mappedBytes: Int

  /// The elements are filled with `filling`.
  init(_ count: Int, filling: Element, at side: Side) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let bytes = count * MemoryLayout<Element>.stride
    let inner = max((bytes + page - 1) / page, 1) * page
    mappedBytes = inner + 2 * page
    guard
      let mapping = mmap(
        nil, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      mapping != MAP_FAILED, mprotect(mapping, page, PROT_NONE) == 0,
      mprotect(mapping + page + inner, page, PROT_NONE) == 0
    else { preconditionFailure("no memory between forbidden pages") }
    self.mapping = mapping
    self.count = count
    let offset = side == .start ? page : page + inner - bytes
    pointer = (mapping + offset).bindMemory(to: Element.self, capacity: count)
    pointer.update(repeating: filling, count: count)
  }

  convenience init(_ elements: [Element], filling: Element, at side: Side) {
    self.init(elements.count, filling: filling, at: side)
    elements.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { pointer.update(from: base, count: count) }
    }
  }

  var elements: [Element] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

  deinit { munmap(mapping, mappedBytes) }
}
