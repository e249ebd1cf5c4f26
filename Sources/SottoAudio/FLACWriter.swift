// A recording that is good at any moment: FLAC in small frames, each on its way to the disk as soon as it is full.
import Foundation

/// Writes 16-bit mono FLAC (RFC 9639). libsndfile would keep a quarter of a second to itself, and write the length at the end;
/// here a program that is killed leaves a file with all whole frames of 20 ms, and a header that says how many.
public final class FLACWriter {
  public let name: String
  private let file: FileDescriptor
  private let sampleRate: Int
  private let block: Int
  private var waiting: [Int32] = []
  private var frame = 0
  private var samples = 0

  /// Where the word with rate, channels, bits and number of samples lies.
  private static let lengthOffset = 18

  /// Creates the file, which must not exist.
  ///
  /// - Throws: `AudioError.notWritable`.
  public init(path: String, sampleRate: Int = 16_000) throws(AudioError) {
    name = path
    self.sampleRate = sampleRate
    block = max(sampleRate / 50, 16)
    let number = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard number >= 0 else { throw .notWritable(path, reason: SystemError(code: errno).reason) }
    file = FileDescriptor(owning: number)
    var header = Array("fLaC".utf8) + [0x80, 0, 0, 34]
    header += [UInt8(block >> 8), UInt8(block & 255), UInt8(block >> 8), UInt8(block & 255)]
    // Sizes of frames are not told.
    header += [0, 0, 0, 0, 0, 0] + lengthWord + [UInt8](repeating: 0, count: 16)
    try write(header)
  }

  /// Takes samples of full scale ±1.
  ///
  /// - Throws: `AudioError.notWritable`.
  public func write(_ samples: [Float]) throws(AudioError) {
    waiting += samples.map { Int32(min(max((($0.isFinite ? $0 : 0) * 32_768).rounded(), -32_768), 32_767)) }
    var start = 0
    while waiting.count - start >= block {
      try writeFrame(waiting[start..<(start + block)])
      start += block
    }
    waiting.removeFirst(start)
  }

  /// Writes what is left, as a last and shorter frame. Nothing can be written afterwards.
  public func finish() throws(AudioError) {
    guard !waiting.isEmpty else { return }
    let rest = waiting
    waiting = []
    try writeFrame(rest[...])
  }

  /// 20 bits of rate, 3 of channels less one, 5 of bits less one, 36 of samples.
  private var lengthWord: [UInt8] {
    let channelsAndBits: UInt64 = 15
    let word = UInt64(sampleRate) << 44 | channelsAndBits << 36 | UInt64(samples & 0xF_FFFF_FFFF)
    return stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
  }

  private func writeFrame(_ block: ArraySlice<Int32>) throws(AudioError) {
    try write(FLACFrame.encode(Array(block), number: frame))
    frame += 1
    samples += block.count
    // Only after the frame: what the header announces is there.
    let word = lengthWord
    if pwrite(file.number, word, word.count, off_t(Self.lengthOffset)) != word.count {
      throw .notWritable(name, reason: SystemError(code: errno).reason)
    }
  }

  private func write(_ bytes: [UInt8]) throws(AudioError) {
    var failure: SystemError?
    bytes.withUnsafeBytes { bytes in
      do throws(SystemError) { try file.write(bytes) } catch { failure = error }
    }
    if let failure { throw .notWritable(name, reason: failure.reason) }
  }
}

/// A frame of one channel of 16 bits.
enum FLACFrame {
  static func encode(_ samples: [Int32], number: Int) -> [UInt8] {
    // Fixed size of blocks; its size at the header's end; rate as in the stream's header; mono; 16 bits.
    var bits = BitWriter()
    bits.append(0xFFF8, 16)
    bits.append(0x70, 8)
    bits.append(0x08, 8)
    for byte in utf8(number) { bits.append(UInt32(byte), 8) }
    bits.append(UInt32(samples.count - 1), 16)
    bits.append(UInt32(Checksum.crc8(bits.bytes)), 8)
    encodeChannel(samples, &bits)
    bits.align()
    bits.append(UInt32(Checksum.crc16(bits.bytes)), 16)
    return bits.bytes
  }

  /// The predictor by a polynomial of order 0 to 3 that leaves least, in Rice codes; as it is, where these would be longer.
  private static func encodeChannel(_ samples: [Int32], _ bits: inout BitWriter) {
    var best = (order: 0, residual: samples, sum: total(samples))
    var residual = samples
    for order in 1...3 where samples.count > order {
      residual = zip(residual.dropFirst(), residual).map { $0 - $1 }
      let sum = total(residual)
      if sum < best.sum { best = (order, residual, sum) }
    }
    let codes = best.residual.map { UInt32(bitPattern: $0 << 1 ^ $0 >> 31) }
    var (parameter, length) = (0, Int.max)
    for k in 0...14 {
      var bits = codes.count * (k + 1)
      for code in codes { bits += Int(code >> UInt32(k)) }
      if bits < length { (parameter, length) = (k, bits) }
    }
    guard length < 16 * best.residual.count else {
      bits.append(0b0000_0010, 8)
      for sample in samples { bits.append(UInt32(bitPattern: sample) & 0xFFFF, 16) }
      return
    }
    bits.append(UInt32(0b001000 | best.order) << 1, 8)
    for sample in samples.prefix(best.order) { bits.append(UInt32(bitPattern: sample) & 0xFFFF, 16) }
    // Parameters of 4 bits, one partition.
    bits.append(0, 6)
    bits.append(UInt32(parameter), 4)
    for code in codes {
      for _ in 0..<(code >> UInt32(parameter)) { bits.append(0, 1) }
      bits.append(1, 1)
      bits.append(code & ((1 << UInt32(parameter)) - 1), parameter)
    }
  }

  private static func total(_ values: [Int32]) -> Int { values.reduce(0) { $0 + Int($1.magnitude) } }

  /// As UTF-8 codes code points, up to 31 bits.
  private static func utf8(_ number: Int) -> [UInt8] {
    if number < 0x80 { return [UInt8(number)] }
    var (rest, tail) = (number, [UInt8]())
    // The first byte has room for fewer bits the more bytes follow.
    while rest >= 1 << (6 - tail.count) {
      tail.insert(0x80 | UInt8(rest & 0x3F), at: 0)
      rest >>= 6
    }
    return [UInt8(truncatingIfNeeded: 0xFF00 >> (tail.count + 1)) | UInt8(rest)] + tail
  }
}

private struct BitWriter {
  private(set) var bytes: [UInt8] = []
  private var used = 8

  /// The lower `count` bits, highest first.
  mutating func append(_ value: UInt32, _ count: Int) {
    for bit in stride(from: count - 1, through: 0, by: -1) {
      if used == 8 {
        bytes.append(0)
        used = 0
      }
      bytes[bytes.count - 1] |= UInt8(value >> UInt32(bit) & 1) << UInt8(7 - used)
      used += 1
    }
  }

  mutating func align() { used = 8 }
}

private enum Checksum {
  /// x⁸ + x² + x + 1.
  static func crc8(_ bytes: [UInt8]) -> UInt8 {
    bytes.reduce(0) { crc, byte in
      (0..<8).reduce(crc ^ byte) { value, _ in value & 0x80 != 0 ? value << 1 ^ 0x07 : value << 1 }
    }
  }

  /// x¹⁶ + x¹⁵ + x² + 1.
  static func crc16(_ bytes: [UInt8]) -> UInt16 {
    bytes.reduce(0) { crc, byte in
      (0..<8).reduce(crc ^ UInt16(byte) << 8) { value, _ in
        value & 0x8000 != 0 ? value << 1 ^ 0x8005 : value << 1
      }
    }
  }
}
