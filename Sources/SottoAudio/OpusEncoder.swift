// Recordings for web pages: Ogg Opus in memory, by libsndfile.
import CSottoSndFile

/// Encodes mono audio as samples come.
public final class OpusEncoder {
  /// What libsndfile writes to.
  private final class Memory {
    var bytes: [UInt8] = []
    var place = 0
  }

  private let memory = Memory()
  private var handle: OpaquePointer?

  /// - Parameter sampleRate: 8000, 12,000, 16,000, 24,000 or 48,000.
  /// - Throws: `AudioError.notWritable` where libsndfile was built without Opus.
  public init(sampleRate: Int = 16_000) throws(AudioError) {
    var info = SF_INFO()
    info.samplerate = Int32(clamping: sampleRate)
    info.channels = 1
    info.format = Int32(SF_FORMAT_OGG | SF_FORMAT_OPUS)
    var calls = SF_VIRTUAL_IO()
    calls.get_filelen = { sf_count_t(OpusEncoder.memory($0)?.bytes.count ?? 0) }
    calls.tell = { sf_count_t(OpusEncoder.memory($0)?.place ?? 0) }
    calls.read = { _, _, _ in 0 }
    calls.seek = { offset, origin, user in
      guard let memory = OpusEncoder.memory(user) else { return -1 }
      let base = origin == SEEK_SET ? 0 : origin == SEEK_CUR ? memory.place : memory.bytes.count
      memory.place = max(0, base + Int(offset))
      return sf_count_t(memory.place)
    }
    calls.write = { data, count, user in
      guard let memory = OpusEncoder.memory(user), let data, count > 0 else { return 0 }
      let new = UnsafeRawBufferPointer(start: data, count: Int(count))
      let surplus = memory.place + new.count - memory.bytes.count
      if surplus > 0 { memory.bytes += [UInt8](repeating: 0, count: surplus) }
      for (index, byte) in new.enumerated() { memory.bytes[memory.place + index] = byte }
      memory.place += new.count
      return count
    }
    let opened = sf_open_virtual(
      &calls, Int32(SFM_WRITE), &info, Unmanaged.passUnretained(memory).toOpaque())
    guard let opened, let handle = OpaquePointer(bitPattern: Int(bitPattern: opened)) else {
      throw .notWritable("Opus", reason: String(cString: sf_strerror(nil)))
    }
    self.handle = handle
    // Less than the default rate, which is meant for music: some 24 kbit/s.
    var level = 0.92
    _ = sf_command(handle, Int32(SFC_SET_COMPRESSION_LEVEL), &level, Int32(MemoryLayout<Double>.size))
  }

  deinit { if let handle { sf_close(handle) } }

  private static func memory(_ user: UnsafeMutableRawPointer?) -> Memory? {
    user.map { Unmanaged<Memory>.fromOpaque($0).takeUnretainedValue() }
  }

  public func write(_ samples: [Float]) {
    guard let handle else { return }
    let clean = samples.map { $0.isFinite ? min(max($0, -1), 1) : 0 }
    _ = clean.withUnsafeBufferPointer { sf_write_float(handle, $0.baseAddress, sf_count_t($0.count)) }
  }

  /// The whole file. Nothing can be written afterwards.
  public func finish() -> [UInt8] {
    if let handle { sf_close(handle) }
    handle = nil
    return memory.bytes
  }
}
