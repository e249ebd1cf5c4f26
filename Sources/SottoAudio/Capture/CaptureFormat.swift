// How a device delivers samples, and what of that is understood.
import CSottoALSA

/// Samples as a capture device delivers them: interleaved, little endian.
public struct CaptureFormat: Sendable, Hashable, BitwiseCopyable {
  public enum Sample: String, Sendable, Hashable, BitwiseCopyable, CaseIterable {
    /// In the order in which they are preferred: 16 bits are more than microphones have.
    case s16, s32, f32, s24
    /// 24 bits in the lower part of 32.
    case s24in32
    case u8

    var alsa: snd_pcm_format_t {
      switch self {
      case .s16: SND_PCM_FORMAT_S16_LE
      case .s32: SND_PCM_FORMAT_S32_LE
      case .f32: SND_PCM_FORMAT_FLOAT_LE
      case .s24: SND_PCM_FORMAT_S24_3LE
      case .s24in32: SND_PCM_FORMAT_S24_LE
      case .u8: SND_PCM_FORMAT_U8
      }
    }

    public var bytes: Int {
      switch self {
      case .u8: 1
      case .s16: 2
      case .s24: 3
      case .s32, .f32, .s24in32: 4
      }
    }

    private var encoding: PCMEncoding {
      switch self {
      case .u8: PCMEncoding(.u8)
      case .s16: PCMEncoding(.s16)
      case .s24: PCMEncoding(.s24)
      case .s32, .s24in32: PCMEncoding(.s32)
      case .f32: PCMEncoding(.f32)
      }
    }

    /// Full scale ±1.
    func decode(_ bytes: UnsafeRawBufferPointer) -> [Float] {
      guard self == .s24in32 else { return encoding.decode(bytes) }
      // The upper byte may hold anything.
      return (0..<bytes.count / 4).map { index in
        let word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
        return Float(Int32(bitPattern: word << 8) >> 8) / 8_388_608
      }
    }
  }

  public var sample: Sample
  /// Samples a second.
  public var rate: Int
  public var channels: Int

  public init(_ sample: Sample, rate: Int, channels: Int) {
    (self.sample, self.rate, self.channels) = (sample, rate, channels)
  }

  /// Bytes a frame.
  public var frameBytes: Int { sample.bytes * channels }

  /// The mean of the channels, one sample a frame; what is no sound becomes 0.
  func mono(_ bytes: [UInt8]) -> [Float] {
    let samples = bytes.withUnsafeBytes { sample.decode($0) }
    let channels = max(channels, 1)
    return (0..<samples.count / channels).map { frame in
      var sum: Float = 0
      for channel in 0..<channels { sum += samples[frame * channels + channel] }
      let mean = sum / Float(channels)
      return abs(mean) <= sampleLimit ? mean : 0
    }
  }
}

extension CaptureFormat: CustomStringConvertible {
  public var description: String {
    "\(rate) Hz, \(sample.rawValue), \(channels == 1 ? "mono" : "\(channels) channels")"
  }
}

/// What is asked of a device; the first that it can is taken.
public struct CapturePreferences: Sendable, Hashable {
  /// 16 kHz is what models take; of the others, multiples of it come first.
  public var rates = [16_000, 48_000, 32_000, 96_000, 44_100, 24_000, 22_050, 8_000]
  public var channels = [1, 2]
  public var samples = CaptureFormat.Sample.allCases
  /// Seconds of audio at a time: how late audio is known.
  public var period = 0.02
  /// Seconds that the device keeps for a program that is held up. A long buffer delays nothing.
  public var buffer = 1.0

  public init() {}
}
