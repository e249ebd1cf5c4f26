// Recordings for other programs: 16-bit PCM, mono.
import Foundation

/// Writes a WAV file as samples come.
public final class WaveWriter {
  public let name: String
  private let file: FileDescriptor
  private let sampleRate: Int
  private var samples = 0

  /// Creates the file, which must not exist.
  ///
  /// - Throws: `AudioError.notWritable`.
  public init(path: String, sampleRate: Int = 16_000) throws(AudioError) {
    name = path
    self.sampleRate = sampleRate
    let number = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw .notWritable(path, reason: SystemError(code: errno).reason) }
    file = FileDescriptor(owning: number)
    try write(header, at: nil)
  }

  /// Takes samples of full scale ±1.
  ///
  /// - Throws: `AudioError.notWritable`.
  public func write(_ samples: [Float]) throws(AudioError) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(2 * samples.count)
    for sample in samples {
      let value = Int16(min(max((sample.isFinite ? sample : 0) * 32_768, -32_768), 32_767).rounded())
      bytes.append(UInt8(truncatingIfNeeded: value))
      bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    }
    try write(bytes, at: nil)
    self.samples += samples.count
  }

  /// Writes the length into the header. Nothing can be written afterwards.
  public func finish() throws(AudioError) { try write(header, at: 0) }

  private var header: [UInt8] {
    let size = UInt32(clamping: 2 * samples)
    func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    let rate = UInt32(clamping: min(sampleRate, 1 << 30))
    let format = bytes(UInt32(16)) + bytes(UInt16(1)) + bytes(UInt16(1)) + bytes(rate) + bytes(2 * rate)
    return Array("RIFF".utf8) + bytes(size > .max - 36 ? .max : size + 36) + Array("WAVEfmt ".utf8) + format
      + bytes(UInt16(2)) + bytes(UInt16(16)) + Array("data".utf8) + bytes(size)
  }

  private func write(_ bytes: [UInt8], at place: Int?) throws(AudioError) {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { rest in
        place.map { pwrite(file.number, rest.baseAddress, rest.count, off_t($0 + done)) }
          ?? Foundation.write(file.number, rest.baseAddress, rest.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .notWritable(name, reason: SystemError(code: errno).reason) }
      done += count
    }
  }
}
