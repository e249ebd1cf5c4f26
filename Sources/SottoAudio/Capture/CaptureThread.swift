// The thread that captures: it moves samples from the device into a ring, and nothing else.
import CSottoALSA
import Dispatch
import Foundation
import Synchronization

/// What happened to the device, as the capturing thread tells it: numbers only, for the ring.
struct CaptureNotice: BitwiseCopyable, Sendable {
  enum Kind: BitwiseCopyable, Sendable {
    /// Samples were lost because this process did not read in time.
    case overrun
    /// The machine slept.
    case suspended
    /// The ring was full: who listens is too slow.
    case listenerTooSlow
    /// The device is gone; `code` says why.
    case lost
    /// It is there again, with `format`.
    case reopened
  }

  var kind: Kind
  /// Bytes that had been put into the ring before it.
  var position = 0
  /// Frames that are missing there.
  var missingFrames = 0
  var format: CaptureFormat
  /// Of errno.
  var code: Int32 = 0
}

/// Reads one device until it is told to stop, opening it again where it was lost.
final class CaptureThread: @unchecked Sendable {
  let name: String
  let preferences: CapturePreferences
  let bytes: RingBuffer<UInt8>
  let notices = RingBuffer<CaptureNotice>(capacity: 1024)
  /// Signalled when there is something in a ring.
  let arrival = DispatchSemaphore(value: 0)
  private let shouldStop = Atomic<Bool>(false)
  private let hasStopped = DispatchSemaphore(value: 0)

  // Of the capturing thread alone.
  private var input: ALSAInput?
  private var format: CaptureFormat
  private var scratch: [UInt8]
  /// Bytes in the ring since the start.
  private var position = 0
  /// When the last frame that was read had been captured, in nanoseconds.
  private var lastFrameTime: UInt64
  /// Seconds of audio that were read, or are known to be missing.
  private var audioTime = 0.0
  private var watch = LossWatch()
  /// Frames for which the ring had no room.
  private var refusedFrames = 0
  /// Losses for whose notice there was no room.
  private var unreportedFrames = 0

  /// Seconds of audio that wait for a slow listener.
  private static let ringSeconds = 20
  /// Milliseconds after which the thread looks whether it is to stop.
  private static let patience: Int32 = 100
  /// So often without any audio, and the device is taken for lost.
  private static let longestStall = 30

  init(_ input: ALSAInput, name: String, preferences: CapturePreferences) {
    self.input = input
    self.name = name
    self.preferences = preferences
    format = input.format
    scratch = [UInt8](repeating: 0, count: input.period * input.format.frameBytes)
    bytes = RingBuffer(capacity: Self.ringSeconds * input.format.rate * input.format.frameBytes)
    lastFrameTime = Self.now
  }

  /// Time that stands still while the machine sleeps: nothing is said then.
  private static var now: UInt64 { DispatchTime.now().uptimeNanoseconds }

  func start() {
    let thread = Thread { [self] in
      run()
      hasStopped.signal()
    }
    thread.name = "sotto capture"
    thread.qualityOfService = .userInteractive
    thread.start()
  }

  /// Ends the thread. One that hangs in a driver is left behind.
  func stop() {
    shouldStop.store(true, ordering: .releasing)
    _ = hasStopped.wait(timeout: .now() + 0.5)
  }

  private func run() {
    var stalls = 0
    while !shouldStop.load(ordering: .acquiring) {
      guard let input else {
        reopen()
        stalls = 0
        continue
      }
      do throws(ALSAFailure) {
        if try input.wait(milliseconds: Self.patience) {
          try take(from: input)
          stalls = 0
        } else {
          stalls += 1
          if stalls > Self.longestStall { throw ALSAFailure(call: "snd_pcm_wait", code: ETIMEDOUT) }
        }
      } catch {
        recover(from: error, input)
      }
    }
    input = nil
  }

  private func take(from input: ALSAInput) throws(ALSAFailure) {
    var failure: ALSAFailure?
    let frames = scratch.withUnsafeMutableBytes { target in
      do throws(ALSAFailure) { return try input.read(into: target) } catch { failure = error }
      return 0
    }
    if let failure { throw failure }
    guard frames > 0 else { return }
    let waiting = UInt64(input.available) * 1_000_000_000 / UInt64(max(format.rate, 1))
    lastFrameTime = Self.now &- waiting
    audioTime += Double(frames) / Double(format.rate)
    defer { watchForLoss() }
    if refusedFrames > 0 {
      // Room for this period too, or the notice would be followed by another one at once.
      guard bytes.capacity - bytes.count > scratch.count * 8 else {
        refusedFrames += frames
        return
      }
      post(.listenerTooSlow, missing: refusedFrames)
      refusedFrames = 0
    }
    let count = frames * format.frameBytes
    let isTaken = scratch.withUnsafeBufferPointer { bytes.write(UnsafeBufferPointer(rebasing: $0[..<count])) }
    if isTaken { position += count } else { refusedFrames += frames }
    arrival.signal()
  }

  private func watchForLoss() {
    let missing = watch.observe(clock: Double(lastFrameTime) / 1e9, audio: audioTime)
    guard missing > 0 else { return }
    audioTime += missing
    post(.overrun, missing: Int((missing * Double(format.rate)).rounded()))
  }

  private func recover(from failure: ALSAFailure, _ input: ALSAInput) {
    do throws(ALSAFailure) {
      switch failure.code {
      case EPIPE:
        try input.restart()
        post(.overrun, missing: missingFrames())
      case ESTRPIPE:
        try input.resume()
        post(.suspended, missing: missingFrames())
      default: throw failure
      }
    } catch {
      self.input = nil
      post(.lost, code: error.code)
    }
  }

  /// Frames between the last one that was read and this moment, in which the device starts again.
  ///
  /// By the lag that the audio has had, where it is known: errors then do not add up from loss to loss.
  private func missingFrames() -> Int {
    let now = Self.now
    let sinceLast = Double(now &- min(lastFrameTime, now)) / 1e9
    let seconds = max(0, watch.lag.map { Double(now) / 1e9 - $0 - audioTime } ?? sinceLast)
    lastFrameTime = now
    audioTime += seconds
    return Int((seconds * Double(format.rate)).rounded())
  }

  /// Tries until the device is there again, at first often, then every two seconds.
  private func reopen() {
    var pause = 0.1
    while !shouldStop.load(ordering: .acquiring) {
      let until = Self.now + UInt64(pause * 1e9)
      while Self.now < until, !shouldStop.load(ordering: .acquiring) { usleep(20_000) }
      if let input = try? ALSAInput(name, preferences: preferences) {
        if refusedFrames > 0 {
          post(.listenerTooSlow, missing: refusedFrames)
          refusedFrames = 0
        }
        format = input.format
        scratch = [UInt8](repeating: 0, count: input.period * format.frameBytes)
        post(.reopened, missing: missingFrames())
        watch.reset()
        self.input = input
        return
      }
      pause = min(pause * 2, 2)
    }
  }

  private func post(_ kind: CaptureNotice.Kind, missing: Int = 0, code: Int32 = 0) {
    var notice = CaptureNotice(kind: kind, position: position, format: format, code: code)
    notice.missingFrames = missing + unreportedFrames
    unreportedFrames = notices.write(notice) ? 0 : notice.missingFrames
    arrival.signal()
  }
}
