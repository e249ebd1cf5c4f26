// Conversion between the short float formats of model files and Float.

/// Conversions of whole arrays. Bytes are little-endian and need no alignment; a surplus byte at the end is left out.
public enum FloatConversion {
  private typealias Words = SIMD8<UInt32>

  /// IEEE half precision to `Float`, exact; infinities and NaN stay what they are.
  ///
  /// Works on the bits: without the F16C instructions that the compiler may not assume, `Float(Float16)` is a call of
  /// a library function for each element.
  public static func floats(fromFloat16 bytes: UnsafeRawBufferPointer) -> [Float] {
    let count = bytes.count / 2
    return [Float](unsafeUninitializedCapacity: count) { result, initialized in
      var index = 0
      if let target = UnsafeMutableRawPointer(result.baseAddress) {
        while index + 8 <= count {
          let halves = bytes.loadUnaligned(fromByteOffset: index * 2, as: SIMD8<UInt16>.self)
          target.storeBytes(of: widen(halves), toByteOffset: index * 4, as: SIMD8<Float>.self)
          index += 8
        }
      }
      while index < count {
        let half = bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
        result[index] = widen(SIMD8(repeating: half))[0]
        index += 1
      }
      initialized = count
    }
  }

  /// The exponent and fraction of a half, moved to their places in a float, make a number that is 2^112 too small,
  /// subnormal halves included; one multiplication sets it right. Exponent 31 becomes 65536 and more, where the
  /// exponent of infinity and NaN is put in.
  private static func widen(_ halves: SIMD8<UInt16>) -> SIMD8<Float> {
    let words = Words(truncatingIfNeeded: halves)
    let magnitude = (words & Words(repeating: 0x7fff)) &<< Words(repeating: 13)
    let scaled = SIMD8<Float>(bitPattern: magnitude) * SIMD8<Float>(repeating: 0x1p112)
    let special = Words(repeating: 0).replacing(
      with: Words(repeating: 0x7f80_0000), where: magnitude .>= Words(repeating: 0x0f80_0000))
    let sign = (words & Words(repeating: 0x8000)) &<< Words(repeating: 16)
    return SIMD8<Float>(bitPattern: Words(bitPattern: scaled) | special | sign)
  }

  /// bfloat16, the upper half of a `Float`.
  public static func floats(fromBFloat16 bytes: UnsafeRawBufferPointer) -> [Float] {
    (0..<(bytes.count / 2)).map { index in
      Float(bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)) << 16)
    }
  }

  public static func floats(fromFloat32 bytes: UnsafeRawBufferPointer) -> [Float] {
    [Float](unsafeUninitializedCapacity: bytes.count / 4) { result, initialized in
      UnsafeMutableRawBufferPointer(result).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 4 * 4)]))
      initialized = bytes.count / 4
    }
  }

  /// The nearest half to each value, ties to even; values beyond ±65504 are clamped, NaN stays.
  public static func float16(from values: [Float]) -> [Float16] {
    values.map { float16(from: $0) }
  }

  public static func float16(from value: Float) -> Float16 {
    value.isNaN ? .nan : Float16(min(max(value, -65504), 65504))
  }

  /// Whether no element is infinite or NaN.
  public static func allFinite(_ values: [Float]) -> Bool {
    values.withUnsafeBytes { bytes in
      var worst = Words(repeating: 0)
      let mask = Words(repeating: 0x7fff_ffff)
      var index = 0
      while index + 8 <= values.count {
        let words = bytes.loadUnaligned(fromByteOffset: index * 4, as: Words.self) & mask
        worst = worst.replacing(with: words, where: words .> worst)
        index += 8
      }
      return worst.max() < 0x7f80_0000 && values[index...].allSatisfy(\.isFinite)
    }
  }
}

extension SIMD8<Float> {
  fileprivate init(bitPattern: SIMD8<UInt32>) { self = unsafeBitCast(bitPattern, to: Self.self) }
}

extension SIMD8<UInt32> {
  fileprivate init(bitPattern: SIMD8<Float>) { self = unsafeBitCast(bitPattern, to: Self.self) }
}
