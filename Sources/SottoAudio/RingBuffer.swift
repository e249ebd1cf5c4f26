// The way of samples from the thread that captures them to the one that listens.
import Synchronization

/// A queue for exactly one writing and one reading thread, without locks: neither ever waits for the other.
///
/// Positions grow without end; a power of two as capacity makes them places by their low bits. The writer's releasing store
/// of its position publishes the elements before it, and the reader's gives their places back.
public final class RingBuffer<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
  public let capacity: Int
  private let storage: UnsafeMutablePointer<Element>
  private let written = Atomic<Int>(0)
  private let taken = Atomic<Int>(0)

  /// - Parameter capacity: elements that it holds at least.
  public init(capacity: Int) {
    var power = 1
    while power < capacity, power < 1 << 40 { power <<= 1 }
    self.capacity = power
    storage = .allocate(capacity: power)
  }

  deinit { storage.deallocate() }

  /// Elements that wait for the reader.
  public var count: Int { written.load(ordering: .acquiring) - taken.load(ordering: .acquiring) }

  /// Appends all elements, or none where there is no room for all. Only for the writing thread.
  public func write(_ elements: UnsafeBufferPointer<Element>) -> Bool {
    let end = written.load(ordering: .relaxed)
    guard elements.count <= capacity - (end - taken.load(ordering: .acquiring)) else { return false }
    guard let source = elements.baseAddress else { return true }
    let place = end & (capacity - 1)
    let first = min(elements.count, capacity - place)
    (storage + place).update(from: source, count: first)
    storage.update(from: source + first, count: elements.count - first)
    written.store(end + elements.count, ordering: .releasing)
    return true
  }

  /// Appends one element; false where there is no room.
  public func write(_ element: Element) -> Bool {
    withUnsafePointer(to: element) { write(UnsafeBufferPointer(start: $0, count: 1)) }
  }

  /// The first elements that wait, without taking them. Only for the reading thread.
  public func peek() -> Element? {
    count > 0 ? storage[taken.load(ordering: .relaxed) & (capacity - 1)] : nil
  }

  /// Takes at most `limit` elements. Only for the reading thread.
  public func read(_ limit: Int) -> [Element] {
    let start = taken.load(ordering: .relaxed)
    let number = min(max(limit, 0), written.load(ordering: .acquiring) - start)
    guard number > 0 else { return [] }
    let place = start & (capacity - 1)
    let first = min(number, capacity - place)
    let elements = [Element](unsafeUninitializedCapacity: number) { buffer, initialized in
      guard let target = buffer.baseAddress else { return }
      target.initialize(from: storage + place, count: first)
      (target + first).initialize(from: storage, count: number - first)
      initialized = number
    }
    taken.store(start + number, ordering: .releasing)
    return elements
  }
}
