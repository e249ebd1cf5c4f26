// Where the computing goes: the encoder and what follows it.

import Glibc
import Synchronization

/// Processor time of the stages of recognition, in seconds, summed over all threads of the process.
public struct StageTimes: Sendable, Hashable, Codable {
  /// Features and encoder.
  public var encoder = 0.0
  /// All that follows the encoder: decoder and search, word times.
  public var decoder = 0.0

  public init(encoder: Double = 0, decoder: Double = 0) {
    self.encoder = encoder
    self.decoder = decoder
  }
}

/// Adds up the processor time of stages. A recogniser has one, and uses it from one thread.
final class StageClock: Sendable {
  private let times = Mutex(StageTimes())

  /// Runs `body`, and counts its time for `stage`.
  func measure<Result>(_ stage: WritableKeyPath<StageTimes, Double> & Sendable, _ body: () -> Result)
    -> Result
  {
    let began = Self.processorTime
    defer { times.withLock { $0[keyPath: stage] += Self.processorTime - began } }
    return body()
  }

  /// The times since the last call.
  func take() -> StageTimes {
    times.withLock { times in
      defer { times = StageTimes() }
      return times
    }
  }

  private static var processorTime: Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
