// Change of sampling rate by libsoxr, in a stream.
import CSottoSoxr

/// Resamples one channel piece by piece: for any way of cutting the input, the same output.
///
/// Band-limited interpolation of soxr's quality HQ (20 bits). Input and output start at the same instant, and
/// `finish` gives the rest, so that n samples become n · to / from, rounded.
public final class Resampler {
  public let inputRate: Int
  public let outputRate: Int
  private let handle: soxr_t

  /// - Throws: `AudioError.resamplingFailed`, also for a rate that is not positive.
  public init(from inputRate: Int, to outputRate: Int) throws(AudioError) {
    self.inputRate = inputRate
    self.outputRate = outputRate
    guard inputRate > 0, outputRate > 0 else {
      throw .resamplingFailed(from: inputRate, to: outputRate, reason: "rates must be positive")
    }
    var failure: soxr_error_t?
    let format = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I)
    // High quality, linear phase.
    let quality = soxr_quality_spec(UInt(SOXR_20_BITQ), 0)
    var runtime = soxr_runtime_spec(1)
    runtime.log2_large_dft_size = Self.largestTransform
    let created = withUnsafePointer(to: format) { format in
      withUnsafePointer(to: quality) { quality in
        withUnsafePointer(to: runtime) { runtime in
          soxr_create(Double(inputRate), Double(outputRate), 1, &failure, format, quality, runtime)
        }
      }
    }
    guard let created, failure == nil else {
      if let created { soxr_delete(created) }
      let reason = failure.map { String(cString: $0) } ?? "out of memory"
      throw .resamplingFailed(from: inputRate, to: outputRate, reason: reason)
    }
    handle = created
  }

  /// Length of the transforms, as a power of 2. From 8 kHz, output lags by some 50 ms with 10 and by 115 ms with
  /// soxr's own choice, which is not twice as fast.
  private static let largestTransform: UInt32 = 10

  deinit { soxr_delete(handle) }

  /// Takes input in and returns the output that is ready, which lags behind.
  public func process(_ samples: [Float]) throws(AudioError) -> [Float] {
    var output: [Float] = []
    var used = 0
    while used < samples.count {
      let (taken, made) = try step(samples[used...], isLast: false)
      used += taken
      output += made
      // soxr takes whatever it is given; without progress there is none to come.
      if taken == 0, made.isEmpty { throw failure("no progress") }
    }
    return output
  }

  /// Returns what is left after the last input. The resampler is of no use after it.
  public func finish() throws(AudioError) -> [Float] {
    var output: [Float] = []
    while true {
      let (_, made) = try step([], isLast: true)
      if made.isEmpty { return output }
      output += made
    }
  }

  private func step(_ input: ArraySlice<Float>, isLast: Bool) throws(AudioError) -> (used: Int, made: [Float])
  {
    let capacity = 8192
    var (used, count) = (0, 0)
    var problem: soxr_error_t?
    let made = [Float](unsafeUninitializedCapacity: capacity) { output, initialized in
      input.withUnsafeBufferPointer { input in
        problem = soxr_process(
          handle, isLast ? nil : UnsafeRawPointer(input.baseAddress), isLast ? 0 : input.count, &used,
          output.baseAddress, capacity, &count)
      }
      initialized = min(count, capacity)
    }
    if let problem { throw failure(String(cString: problem)) }
    return (used, made)
  }

  private func failure(_ reason: String) -> AudioError {
    .resamplingFailed(from: inputRate, to: outputRate, reason: reason)
  }
}

/// Another source at another rate.
public final class ResampledSource: AudioSource {
  public let sampleRate: Int
  private let source: any AudioSource
  private let resampler: Resampler
  private var ready: [Float] = []
  private var readyStart = 0
  private var hasEnded = false
  private var failure: (any Error)?

  /// - Throws: `AudioError.resamplingFailed`.
  public init(_ source: any AudioSource, rate: Int) throws(AudioError) {
    self.source = source
    sampleRate = rate
    resampler = try Resampler(from: source.sampleRate, to: rate)
  }

  public var duration: Double? { source.duration }
  public var warning: String? { source.warning }

  public func read(count: Int) throws -> [Float] {
    guard count > 0 else { return [] }
    while readyStart == ready.count {
      if let failure {
        self.failure = nil
        throw failure
      }
      if hasEnded { return [] }
      ready = try nextPiece().map { min(max($0, -sampleLimit), sampleLimit) }
      readyStart = 0
    }
    let end = readyStart + min(count, ready.count - readyStart)
    defer { readyStart = end }
    return Array(ready[readyStart..<end])
  }

  /// The output for a tenth of a second of input, or for what of it has arrived. After a failure of the source,
  /// the rest of the output, and then the failure.
  private func nextPiece() throws -> [Float] {
    do {
      let input = try source.read(count: max(source.sampleRate / 10, 1))
      if !input.isEmpty { return try resampler.process(input) }
    } catch {
      failure = error
    }
    hasEnded = true
    return try resampler.finish()
  }
}
