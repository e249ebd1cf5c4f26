// Uncompressed samples as bytes, and what they mean.

/// How one uncompressed sample is stored.
public struct PCMEncoding: Sendable, Hashable {
  public enum Sample: String, Sendable, Hashable, CaseIterable {
    /// Unsigned 8 bits, silence at 128.
    case u8
    /// Signed integers in two's complement.
    case s8, s16, s24, s32
    /// IEEE 754, full scale ±1.
    case f32, f64
    /// ITU-T G.711.
    case alaw, mulaw
  }

  public var sample: Sample
  public var isBigEndian = false

  public init(_ sample: Sample, isBigEndian: Bool = false) {
    self.sample = sample
    self.isBigEndian = isBigEndian
  }

  /// From a name such as `s16`, `s24le`, `f32be` or `mulaw`, in any case; nil where it is none.
  public init?(name: String) {
    let name = name.lowercased()
    let isBigEndian = name.hasSuffix("be")
    let stem = isBigEndian || name.hasSuffix("le") ? String(name.dropLast(2)) : name
    guard let sample = Sample(rawValue: stem) else { return nil }
    let takesOrder = Self([.alaw, .mulaw].contains(sample) ? .u8 : sample).bytes > 1
    guard stem == name || takesOrder else { return nil }
    self.init(sample, isBigEndian: isBigEndian)
  }

  static let names = Sample.allCases.map(\.rawValue).joined(separator: ", ") + ", with le or be after them"

  /// Bytes a sample.
  public var bytes: Int {
    switch sample {
    case .u8, .s8, .alaw, .mulaw: 1
    case .s16: 2
    case .s24: 3
    case .s32, .f32: 4
    case .f64: 8
    }
  }

  /// Decodes whole samples to full scale ±1. Bytes behind the last whole one are ignored.
  func decode(_ bytes: UnsafeRawBufferPointer) -> [Float] {
    let count = bytes.count / self.bytes
    return [Float](unsafeUninitializedCapacity: count) { output, initialized in
      switch sample {
      case .u8: for i in 0..<count { output[i] = Float(Int(bytes[i]) - 128) / 128 }
      case .s8: for i in 0..<count { output[i] = Float(Int8(bitPattern: bytes[i])) / 128 }
      case .alaw: for i in 0..<count { output[i] = G711.aLaw[Int(bytes[i])] }
      case .mulaw: for i in 0..<count { output[i] = G711.muLaw[Int(bytes[i])] }
      case .s16:
        for i in 0..<count { output[i] = Float(Int16(bitPattern: load(bytes, 2 * i))) / 32_768 }
      case .s24:
        let (low, high) = isBigEndian ? (2, 0) : (0, 2)
        for i in 0..<count {
          let word =
            UInt32(bytes[3 * i + low]) << 8 | UInt32(bytes[3 * i + 1]) << 16 | UInt32(bytes[3 * i + high])
            << 24
          output[i] = Float(Int32(bitPattern: word) >> 8) / 8_388_608
        }
      case .s32:
        for i in 0..<count { output[i] = Float(Int32(bitPattern: load(bytes, 4 * i))) / 2_147_483_648 }
      case .f32: for i in 0..<count { output[i] = Float(bitPattern: load(bytes, 4 * i)) }
      case .f64: for i in 0..<count { output[i] = Float(Double(bitPattern: load(bytes, 8 * i))) }
      }
      initialized = count
    }
  }

  @inline(__always)
  private func load<Word: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _ offset: Int
  ) -> Word {
    let word = bytes.loadUnaligned(fromByteOffset: offset, as: Word.self)
    return isBigEndian ? Word(bigEndian: word) : Word(littleEndian: word)
  }
}

/// The two telephone codes of ITU-T G.711, expanded: one value for each of the 256 bytes, full scale ±1.
enum G711 {
  static let aLaw: [Float] = (0..<256).map { byte in
    let code = byte ^ 0x55
    let segment = (code >> 4) & 7
    let mantissa = (code & 15) << 4 + 8
    let magnitude = segment == 0 ? mantissa : (mantissa + 256) << (segment - 1)
    return Float(code & 0x80 == 0 ? -magnitude : magnitude) / 32_768
  }

  static let muLaw: [Float] = (0..<256).map { byte in
    let code = ~byte & 0xFF
    let magnitude = ((code & 15) << 3 + 132) << ((code >> 4) & 7) - 132
    return Float(code & 0x80 == 0 ? magnitude : -magnitude) / 32_768
  }
}

/// Samples without a header, described on the command line.
public struct RawFormat: Sendable, Hashable {
  public let sampleRate: Int
  public let encoding: PCMEncoding
  public let channels: Int

  /// From `RATE:FORMAT:CHANNELS`, for example `16000:s16:1` or `8000:mulaw:2`.
  ///
  /// - Throws: `AudioError.malformedRawFormat`.
  public init(_ text: String) throws(AudioError) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3 else {
      throw .malformedRawFormat(text, problem: "has \(parts.count) of 3 parts")
    }
    guard let rate = Int(parts[0]), AudioLimits.sampleRates.contains(rate) else {
      let range = AudioLimits.sampleRates
      throw .malformedRawFormat(
        text, problem: "the rate is not a number from \(range.lowerBound) to \(range.upperBound)")
    }
    guard let encoding = PCMEncoding(name: parts[1]) else {
      throw .malformedRawFormat(text, problem: "there is no sample format '\(oneLine(parts[1]))'")
    }
    guard let channels = Int(parts[2]), AudioLimits.channels.contains(channels) else {
      let range = AudioLimits.channels
      throw .malformedRawFormat(
        text, problem: "the channels are not a number from \(range.lowerBound) to \(range.upperBound)")
    }
    self.sampleRate = rate
    self.encoding = encoding
    self.channels = channels
  }
}
