// Live audio from a capture device: samples at the model's rate, and what happened to the device.
import CSottoALSA
import Dispatch
import Foundation

/// Something that happened to a device while it was captured.
public struct CaptureEvent: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// The process was held up for too long, and the device's buffer ran over.
    case overrun
    /// The machine slept.
    case suspended
    /// Who reads was too slow for too long.
    case listenerTooSlow
    /// The device is gone; it is tried again until it is back.
    case lost(reason: String)
    case reopened(CaptureFormat)
  }

  public var kind: Kind
  /// Seconds since the start of the capture.
  public var time: Double
  /// Seconds of audio that are missing from `time` on; silence stands in for them.
  public var missing: Double
}

/// Captures from an ALSA device, on a thread of its own, from `init` on.
///
/// What is read is 16 kHz mono, by libsoxr where the device has another rate. Time is true: for audio that was lost there is as much
/// silence. One thread may read at a time.
public final class ALSACapture {
  /// In the order in which they belong.
  public enum Item: Sendable, Hashable {
    case samples([Float])
    case event(CaptureEvent)
  }

  public static let defaultDevice = "default"

  public let device: String
  /// Samples a second that are read.
  public let sampleRate: Int
  /// Of the device, as it was negotiated last.
  public private(set) var format: CaptureFormat
  /// Seconds that the device delivers at once, and that it can keep.
  public let period: Double
  public let buffer: Double

  private let thread: CaptureThread
  private var resampler: Resampler?
  /// Bytes taken out of the ring.
  private var position = 0
  /// Frames of silence to be given before anything else.
  private var silence = 0
  /// Seconds of the device's audio, and silence, before the next frame.
  private var time = 0.0

  /// Opens the device and begins.
  ///
  /// - Throws: `AudioError`.
  public init(
    device: String = defaultDevice, sampleRate: Int = 16_000, preferences: CapturePreferences = .init()
  ) throws(AudioError) {
    let input: ALSAInput
    do {
      input = try ALSAInput(device, preferences: preferences)
    } catch {
      throw Self.explain(error, device: device)
    }
    self.device = device
    self.sampleRate = sampleRate
    format = input.format
    period = Double(input.period) / Double(input.format.rate)
    buffer = Double(input.buffer) / Double(input.format.rate)
    resampler = try Self.resampler(for: input.format, to: sampleRate)
    thread = CaptureThread(input, name: device, preferences: preferences)
    thread.start()
  }

  deinit { stop() }

  /// Ends the capture. What was captured until now can still be read.
  public func stop() { thread.stop() }

  /// Makes a `read` that waits return.
  public func wake() { thread.arrival.signal() }

  /// What has arrived, after waiting for something at most so many seconds; nothing where nothing came.
  ///
  /// At most about a second of audio at once.
  public func read(waiting seconds: Double) throws(AudioError) -> [Item] {
    if silence == 0, thread.bytes.count == 0, thread.notices.count == 0 {
      _ = thread.arrival.wait(timeout: .now() + max(seconds, 0))
    }
    var items: [Item] = []
    var room = format.rate
    while room > 0 {
      let samples = try nextSamples(&room)
      if let samples {
        if !samples.isEmpty { items.append(.samples(samples)) }
      } else if let event = try nextEvent(&items) {
        items.append(.event(event))
      } else {
        break
      }
    }
    return items
  }

  /// Samples up to the next notice; nil where there are none.
  private func nextSamples(_ room: inout Int) throws(AudioError) -> [Float]? {
    if silence > 0 {
      let count = min(silence, room)
      silence -= count
      room -= count
      return try convert([Float](repeating: 0, count: count))
    }
    // In this order: a notice that stands before these bytes was written before they were.
    let waiting = thread.bytes.count
    let limit = thread.notices.peek().map { $0.position - position } ?? waiting
    let bytes = thread.bytes.read(min(waiting, limit, room * format.frameBytes))
    guard !bytes.isEmpty else { return nil }
    position += bytes.count
    let mono = format.mono(bytes)
    room -= mono.count
    return try convert(mono)
  }

  private func nextEvent(_ items: inout [Item]) throws(AudioError) -> CaptureEvent? {
    guard let next = thread.notices.peek(), next.position == position else { return nil }
    let notice = thread.notices.read(1)[0]
    var event = CaptureEvent(kind: .overrun, time: time, missing: 0)
    switch notice.kind {
    case .overrun: break
    case .suspended: event.kind = .suspended
    case .listenerTooSlow: event.kind = .listenerTooSlow
    case .lost: event.kind = .lost(reason: String(cString: snd_strerror(-notice.code)))
    case .reopened:
      event.kind = .reopened(notice.format)
      if notice.format.rate != format.rate {
        if let rest = try resampler?.finish(), !rest.isEmpty { items.append(.samples(rest)) }
        resampler = try Self.resampler(for: notice.format, to: sampleRate)
      }
      format = notice.format
    }
    event.missing = Double(notice.missingFrames) / Double(format.rate)
    silence = notice.missingFrames
    return event
  }

  private func convert(_ samples: [Float]) throws(AudioError) -> [Float] {
    time += Double(samples.count) / Double(format.rate)
    guard let resampler else { return samples }
    return try resampler.process(samples).map { min(max($0, -sampleLimit), sampleLimit) }
  }

  private static func resampler(for format: CaptureFormat, to rate: Int) throws(AudioError) -> Resampler? {
    format.rate == rate ? nil : try Resampler(from: format.rate, to: rate)
  }

  // MARK: Failures

  /// Cause and remedy of a device that cannot be opened.
  static func explain(_ failure: ALSAFailure, device: String) -> AudioError {
    switch failure.code {
    case EBUSY, EAGAIN: .deviceBusy(device)
    case EACCES, EPERM: .deviceForbidden(device)
    case ECONNREFUSED, EHOSTDOWN, ECONNRESET, ECONNABORTED: .noSoundServer(device, reason: failure.reason)
    case ENOENT, ENODEV, ENXIO:
      device == defaultDevice
        ? .noDefaultDevice : .noSuchDevice(device, available: ALSADevices.names())
    default: .deviceUnusable(device, reason: failure.reason)
    }
  }
}
