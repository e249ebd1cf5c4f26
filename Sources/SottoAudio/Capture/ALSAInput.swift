// One open capture device of ALSA.
import CSottoALSA
import Foundation

/// An ALSA PCM that captures: opened, negotiated, started. For one thread at a time; closed with the last reference.
final class ALSAInput {
  let format: CaptureFormat
  /// Frames that arrive at once.
  let period: Int
  /// Frames that the device keeps.
  let buffer: Int
  private let handle: OpaquePointer

  /// - Throws: `ALSAFailure`.
  init(_ name: String, preferences: CapturePreferences) throws(ALSAFailure) {
    handle = try Self.open(name)
    do {
      (format, period, buffer) = try Self.negotiate(handle, preferences)
      try Self.setWakeUp(handle, frames: period)
      try alsa("snd_pcm_nonblock") { [handle] in snd_pcm_nonblock(handle, 0) }
      try alsa("snd_pcm_start") { [handle] in snd_pcm_start(handle) }
    } catch {
      snd_pcm_close(handle)
      throw error
    }
  }

  deinit { snd_pcm_close(handle) }

  /// Opens without waiting for a device that is in use.
  static func open(_ name: String) throws(ALSAFailure) -> OpaquePointer {
    sotto_alsa_be_quiet()
    var handle: OpaquePointer?
    try alsa("snd_pcm_open") { snd_pcm_open(&handle, name, SND_PCM_STREAM_CAPTURE, SND_PCM_NONBLOCK) }
    guard let handle else { throw ALSAFailure(call: "snd_pcm_open", code: ENODEV) }
    return handle
  }

  // MARK: Negotiation

  private static func negotiate(_ pcm: OpaquePointer, _ preferences: CapturePreferences) throws(ALSAFailure)
    -> (CaptureFormat, period: Int, buffer: Int)
  {
    try ALSAMemory.hardware { (params) throws(ALSAFailure) in
      try alsa("snd_pcm_hw_params_any") { snd_pcm_hw_params_any(pcm, params) }
      // Rates are converted here, by libsoxr, and not by ALSA, whose own converter is a poor one.
      _ = snd_pcm_hw_params_set_rate_resample(pcm, params, 0)
      try alsa("snd_pcm_hw_params_set_access") {
        snd_pcm_hw_params_set_access(pcm, params, SND_PCM_ACCESS_RW_INTERLEAVED)
      }
      guard let sample = preferences.samples.first(where: { canUse(pcm, params, $0) }) else {
        throw ALSAFailure(call: "snd_pcm_hw_params_set_format", code: EINVAL)
      }
      try alsa("snd_pcm_hw_params_set_format") { snd_pcm_hw_params_set_format(pcm, params, sample.alsa) }
      let channels = try setChannels(pcm, params, preferences.channels)
      let rate = try setRate(pcm, params, preferences.rates)
      var microseconds = UInt32(clamping: Int(preferences.period * 1e6))
      try alsa("snd_pcm_hw_params_set_period_time_near") {
        snd_pcm_hw_params_set_period_time_near(pcm, params, &microseconds, nil)
      }
      microseconds = UInt32(clamping: Int(preferences.buffer * 1e6))
      try alsa("snd_pcm_hw_params_set_buffer_time_near") {
        snd_pcm_hw_params_set_buffer_time_near(pcm, params, &microseconds, nil)
      }
      try alsa("snd_pcm_hw_params") { snd_pcm_hw_params(pcm, params) }
      var (period, buffer): (snd_pcm_uframes_t, snd_pcm_uframes_t) = (0, 0)
      try alsa("snd_pcm_get_params") { snd_pcm_get_params(pcm, &buffer, &period) }
      guard period > 0, period <= 1 << 20 else { throw ALSAFailure(call: "snd_pcm_get_params", code: EINVAL) }
      return (CaptureFormat(sample, rate: rate, channels: channels), Int(period), Int(clamping: buffer))
    }
  }

  static func canUse(_ pcm: OpaquePointer, _ params: OpaquePointer, _ sample: CaptureFormat.Sample) -> Bool {
    snd_pcm_hw_params_test_format(pcm, params, sample.alsa) == 0
  }

  private static func setChannels(_ pcm: OpaquePointer, _ params: OpaquePointer, _ wanted: [Int])
    throws(ALSAFailure) -> Int
  {
    var channels = UInt32(AudioLimits.channels.upperBound)
    if let count = wanted.first(where: {
      snd_pcm_hw_params_test_channels(pcm, params, UInt32(clamping: $0)) == 0
    }) {
      channels = UInt32(clamping: count)
    } else {
      try alsa("snd_pcm_hw_params_get_channels_min") { snd_pcm_hw_params_get_channels_min(params, &channels) }
    }
    try alsa("snd_pcm_hw_params_set_channels") { snd_pcm_hw_params_set_channels(pcm, params, channels) }
    guard AudioLimits.channels.contains(Int(channels)) else {
      throw ALSAFailure(call: "snd_pcm_hw_params_set_channels", code: EINVAL)
    }
    return Int(channels)
  }

  private static func setRate(_ pcm: OpaquePointer, _ params: OpaquePointer, _ wanted: [Int])
    throws(ALSAFailure) -> Int
  {
    if let rate = wanted.first(where: {
      snd_pcm_hw_params_test_rate(pcm, params, UInt32(clamping: $0), 0) == 0
    }) {
      try alsa("snd_pcm_hw_params_set_rate") {
        snd_pcm_hw_params_set_rate(pcm, params, UInt32(clamping: rate), 0)
      }
      return rate
    }
    var rate = UInt32(clamping: wanted.first ?? 16_000)
    try alsa("snd_pcm_hw_params_set_rate_near") { snd_pcm_hw_params_set_rate_near(pcm, params, &rate, nil) }
    guard AudioLimits.sampleRates.contains(Int(rate)) else {
      throw ALSAFailure(call: "snd_pcm_hw_params_set_rate_near", code: EINVAL)
    }
    return Int(rate)
  }

  private static func setWakeUp(_ pcm: OpaquePointer, frames: Int) throws(ALSAFailure) {
    try ALSAMemory.software { (params) throws(ALSAFailure) in
      try alsa("snd_pcm_sw_params_current") { snd_pcm_sw_params_current(pcm, params) }
      try alsa("snd_pcm_sw_params_set_avail_min") {
        snd_pcm_sw_params_set_avail_min(pcm, params, snd_pcm_uframes_t(frames))
      }
      try alsa("snd_pcm_sw_params") { snd_pcm_sw_params(pcm, params) }
    }
  }

  // MARK: Reading

  /// Waits for a period; false where none came in time.
  func wait(milliseconds: Int32) throws(ALSAFailure) -> Bool {
    // Not repeated after a signal: the caller looks whether it is to stop.
    let result = snd_pcm_wait(handle, milliseconds)
    if result == -EINTR { return false }
    return try alsa("snd_pcm_wait") { result } > 0
  }

  /// Reads at most a period.
  ///
  /// - Parameter target: room for a period.
  /// - Returns: frames.
  func read(into target: UnsafeMutableRawBufferPointer) throws(ALSAFailure) -> Int {
    let room = min(period, target.count / max(format.frameBytes, 1))
    return try alsa("snd_pcm_readi") { snd_pcm_readi(handle, target.baseAddress, snd_pcm_uframes_t(room)) }
  }

  /// Frames that have arrived and were not read.
  var available: Int { min(max(Int(snd_pcm_avail_update(handle)), 0), buffer) }

  /// Starts again after an overrun; what the device held is lost.
  func restart() throws(ALSAFailure) {
    try alsa("snd_pcm_prepare") { snd_pcm_prepare(handle) }
    try alsa("snd_pcm_start") { snd_pcm_start(handle) }
  }

  /// Wakes the device up after the machine slept.
  func resume() throws(ALSAFailure) {
    for _ in 0..<50 {
      let result = snd_pcm_resume(handle)
      if result != -EAGAIN { break }
      usleep(20_000)
    }
    // Where a device cannot resume it can be started anew, and one that could may do so too.
    try restart()
  }
}
