// Threads that wait for loops to share.

import CSottoKernels
import Glibc
import Synchronization

/// The threads of the process that help with loops. A helper that has nothing to do spins for some microseconds, as the
/// next loop of a model mostly follows at once, and then sleeps: an idle process uses no processor time.
///
/// One loop at a time is shared; who comes while one runs, or from within one, computes alone.
final class WorkerPool: Sendable {
  static let shared = WorkerPool()

  /// Turns of a waiting loop before a thread sleeps: about 30 µs.
  private static let spins = 1500
  /// Loops have at most this many pieces.
  static let mostPieces = 0xFFFF

  /// What there is to claim: number of the loop (32 bits), its pieces (16), the next piece (16). In one word, so that a
  /// helper that comes late for one loop cannot take a piece of the next without knowing.
  private let claims = Atomic<UInt64>(0)
  private let finished = Atomic<Int>(0)
  private let busy = Atomic<Bool>(false)
  private let sleepers = Atomic<Int>(0)
  private let ownerSleeps = Atomic<Bool>(false)
  private let mutex = SystemMutex()
  private let helpers = Mutex(0)
  // Written by the owner of `busy` before the loop is published in `claims`, read after a piece was claimed: the owner
  // waits until all claimed pieces are done.
  nonisolated(unsafe) private var body: (@Sendable (Int) -> Void)?

  /// Calls `body` with 0 ..< pieces, on this thread and at most `threads - 1` others. Returns when all are done.
  func run(pieces: Int, threads: Int, _ body: @Sendable (Int) -> Void) {
    guard pieces > 1, threads > 1, pieces <= Self.mostPieces,
      busy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
    else {
      for piece in 0..<max(pieces, 0) { body(piece) }
      return
    }
    defer { busy.store(false, ordering: .releasing) }
    start(helpers: threads - 1)
    withoutActuallyEscaping(body) { body in
      self.body = body
      finished.store(0, ordering: .relaxed)
      let loop = (claims.load(ordering: .relaxed) >> 32) &+ 1
      claims.store(loop << 32 | UInt64(pieces) << 16, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 { mutex.wakeAll(.helpers) }
      work(on: UInt32(truncatingIfNeeded: loop))
      waitUntilFinished(pieces)
      self.body = nil
    }
  }

  /// Helpers that sleep at the moment.
  var sleeping: Int { sleepers.load(ordering: .relaxed) }

  /// Takes pieces of a loop until none is left.
  private func work(on loop: UInt32) {
    while true {
      let word = claims.load(ordering: .acquiring)
      let next = Int(word & 0xFFFF)
      guard UInt32(word >> 32) == loop, next < Int(word >> 16 & 0xFFFF) else { return }
      guard
        claims.compareExchange(expected: word, desired: word + 1, ordering: .acquiringAndReleasing).exchanged
      else { continue }
      body?(next)
      let done = finished.add(1, ordering: .sequentiallyConsistent).newValue
      if done == Int(word >> 16 & 0xFFFF), ownerSleeps.load(ordering: .sequentiallyConsistent) {
        mutex.wakeAll(.owner)
      }
    }
  }

  private func waitUntilFinished(_ pieces: Int) {
    for _ in 0..<Self.spins {
      if finished.load(ordering: .acquiring) == pieces { return }
      sotto_pause()
    }
    ownerSleeps.store(true, ordering: .sequentiallyConsistent)
    mutex.sleep(.owner) { finished.load(ordering: .sequentiallyConsistent) != pieces }
    ownerSleeps.store(false, ordering: .sequentiallyConsistent)
  }

  private func help() {
    var seen: UInt32 = 0
    while true {
      var loop = seen
      for _ in 0..<Self.spins {
        loop = UInt32(claims.load(ordering: .acquiring) >> 32)
        if loop != seen { break }
        sotto_pause()
      }
      if loop == seen {
        sleepers.add(1, ordering: .sequentiallyConsistent)
        mutex.sleep(.helpers) { UInt32(claims.load(ordering: .sequentiallyConsistent) >> 32) == seen }
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
        loop = UInt32(claims.load(ordering: .acquiring) >> 32)
      }
      seen = loop
      work(on: loop)
    }
  }

  /// Makes sure that there are so many helpers, or as many as the system allows.
  private func start(helpers wanted: Int) {
    helpers.withLock { count in
      while count < wanted {
        var thread = pthread_t()
        // The thread never ends, and keeps the pool.
        let pool = Unmanaged.passRetained(self)
        let status = pthread_create(
          &thread, nil,
          { pool in
            if let pool { Unmanaged<WorkerPool>.fromOpaque(pool).takeRetainedValue().help() }
            return nil
          }, pool.toOpaque())
        if status != 0 {
          pool.release()
          return
        }
        pthread_detach(thread)
        count += 1
      }
    }
  }
}

/// A lock of the system with two conditions to sleep on.
private final class SystemMutex: @unchecked Sendable {
  enum Condition { case helpers, owner }

  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let helpers = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let owner = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    pthread_mutex_init(lock, nil)
    pthread_cond_init(helpers, nil)
    pthread_cond_init(owner, nil)
  }

  /// Sleeps while `condition` holds; it is looked at under the lock, and after each waking.
  func sleep(_ which: Condition, while condition: () -> Bool) {
    pthread_mutex_lock(lock)
    while condition() { pthread_cond_wait(which == .owner ? owner : helpers, lock) }
    pthread_mutex_unlock(lock)
  }

  func wakeAll(_ which: Condition) {
    // Who is between looking and sleeping holds the lock.
    pthread_mutex_lock(lock)
    pthread_cond_broadcast(which == .owner ? owner : helpers)
    pthread_mutex_unlock(lock)
  }

  deinit {
    pthread_cond_destroy(helpers)
    pthread_cond_destroy(owner)
    pthread_mutex_destroy(lock)
    helpers.deallocate()
    owner.deallocate()
    lock.deallocate()
  }
}
