// The header of the RIFF family (WAV, RF64, BW64, W64), read as a stream: what a pipe delivers, where libsndfile
// needs a file, and the announced length, which libsndfile corrects in silence.

/// Format and announced length of a WAV stream.
struct WaveHeader: Hashable {
  /// Format code of the `fmt ` chunk (1 PCM, 3 IEEE float, 6 A-law, 7 µ-law, ...), EXTENSIBLE resolved.
  var code: Int
  var channels: Int
  var sampleRate: Int
  /// Bytes a frame, all channels.
  var blockAlign: Int
  var bits: Int
  /// Bytes of samples that the header announces; nil where it does not know: 0, or the placeholders near 2 and
  /// 4 GiB of programs that write into a pipe.
  var dataBytes: Int?

  /// A header may hold this many chunks and bytes before its samples; more is an attack or no header.
  static let chunkLimit = 10_000
  static let byteLimit = 64 << 20
  /// sox announces 0x7FFFF000 bytes, arecord some frames less than 2^31, ffmpeg 0xFFFFFFFF.
  static let placeholderLength: UInt64 = 0x7FFF_0000
  /// A terabyte, months of audio: more is no length, in the containers that could express it.
  static let longestLength: UInt64 = 1 << 40
  /// Bytes needed to tell the family by.
  static let magicLength = 16

  /// Why there is no header.
  enum Failure: Error {
    case cutShort
    case malformed(String)
  }

  /// Whether a stream that starts with these bytes has a header that `init(reading:)` can read.
  static func recognises(_ head: [UInt8]) -> Bool { Container(head) != nil }

  /// Reads up to the first sample.
  ///
  /// - Throws: `Failure`, or `SystemError`.
  init(reading stream: ByteStream) throws {
    guard let container = Container(try stream.peek(Self.magicLength)) else {
      throw Failure.malformed("not a RIFF header")
    }
    guard try stream.take(container.headerLength) != nil else { throw Failure.cutShort }
    var format: WaveHeader?
    var longLength: UInt64?
    for _ in 0..<Self.chunkLimit where stream.position < Self.byteLimit {
      guard let head = try stream.take(container.chunkHeaderLength) else { throw Failure.cutShort }
      let name = head.prefix(4)
      let length = container.contentLength(of: head)
      if name.elementsEqual("data".utf8) {
        guard var header = format else { throw Failure.malformed("samples before their format") }
        header.dataBytes = announced(container == .wave64 ? length : longLength ?? length, container)
        self = header
        return
      }
      var consumed = 0
      if name.elementsEqual("fmt ".utf8) {
        consumed = Int(min(length, 40))
        guard let fields = try stream.take(consumed) else { throw Failure.cutShort }
        format = try WaveHeader(fields: fields)
      } else if name.elementsEqual("ds64".utf8), container == .riff64 {
        consumed = Int(min(length, 16))
        guard let fields = try stream.take(consumed) else { throw Failure.cutShort }
        if consumed == 16 { longLength = littleEndian(fields, 8, 8) }
      }
      let rest = container.padded(length).subtractingReportingOverflow(UInt64(consumed)).partialValue
      guard try stream.skip(Int(clamping: rest)) else { throw Failure.cutShort }
    }
    throw Failure.malformed("no samples within the first \(stream.position) bytes")
  }

  /// From the content of a `fmt ` chunk, its first 40 bytes at most.
  private init(fields: [UInt8]) throws {
    guard fields.count >= 16 else { throw Failure.malformed("format chunk of \(fields.count) bytes") }
    code = Int(littleEndian(fields, 0, 2))
    channels = Int(littleEndian(fields, 2, 2))
    sampleRate = Int(littleEndian(fields, 4, 4))
    blockAlign = Int(littleEndian(fields, 12, 2))
    bits = Int(littleEndian(fields, 14, 2))
    // WAVE_FORMAT_EXTENSIBLE: the code is in the first bytes of the sub-format's GUID.
    if code == 0xFFFE, fields.count >= 26 { code = Int(littleEndian(fields, 24, 2)) }
  }

  /// How samples are stored, nil where they are compressed or of an odd size.
  var encoding: PCMEncoding? {
    guard channels > 0, (1...64).contains(bits) else { return nil }
    let smallest = (bits + 7) / 8
    // A container may be wider than its samples, which then fill it from the top (20 bits in 24, for example).
    let container = blockAlign % channels == 0 ? blockAlign / channels : smallest
    switch (code, (smallest...8).contains(container) ? container : smallest) {
    case (1, 1): return PCMEncoding(.u8)
    case (1, 2): return PCMEncoding(.s16)
    case (1, 3): return PCMEncoding(.s24)
    case (1, 4): return PCMEncoding(.s32)
    case (3, 4): return PCMEncoding(.f32)
    case (3, 8): return PCMEncoding(.f64)
    case (6, 1): return PCMEncoding(.alaw)
    case (7, 1): return PCMEncoding(.mulaw)
    default: return nil
    }
  }

  /// Frames that the header announces, where it knows and the encoding is uncompressed.
  var frames: Int? {
    guard let dataBytes, let encoding else { return nil }
    return dataBytes / (encoding.bytes * channels)
  }

  var encodingName: String {
    let names = [
      0: "unknown", 1: "PCM", 2: "Microsoft ADPCM", 3: "IEEE float", 6: "A-law", 7: "mu-law",
      0x11: "IMA ADPCM",
      0x31: "GSM 6.10", 0x50: "MPEG", 0x55: "MP3", 0xFF: "AAC", 0x160: "WMA 1", 0x161: "WMA 2",
      0x162: "WMA 3",
      0x1610: "AAC", 0xF1AC: "FLAC in WAV",
    ]
    let name = names[code] ?? "format code \(code)"
    return [1, 3].contains(code) ? "\(name) of \(bits) bits" : name
  }
}

/// The announced length unless it is a placeholder.
private func announced(_ length: UInt64, _ container: Container) -> Int? {
  if length == 0 { return nil }
  let isPlaceholder =
    container == .riff
    ? length >= WaveHeader.placeholderLength : length == 0xFFFF_FFFF || length > WaveHeader.longestLength
  return isPlaceholder ? nil : Int(clamping: length)
}

/// How the chunks of a RIFF-like file are laid out.
private enum Container {
  case riff, riff64, wave64

  init?(_ head: [UInt8]) {
    guard head.count >= 12 else { return nil }
    switch (String(decoding: head.prefix(4), as: UTF8.self), String(decoding: head[8..<12], as: UTF8.self)) {
    case ("RIFF", "WAVE"): self = .riff
    case ("RF64", "WAVE"), ("BW64", "WAVE"): self = .riff64
    default:
      // Sony's Wave64 names its chunks by GUIDs, this one for `riff`.
      let guid: [UInt8] = [
        0x72, 0x69, 0x66, 0x66, 0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0, 0,
      ]
      guard head == guid else { return nil }
      self = .wave64
    }
  }

  /// Bytes before the first chunk.
  var headerLength: Int { self == .wave64 ? 40 : 12 }
  var chunkHeaderLength: Int { self == .wave64 ? 24 : 8 }

  /// Bytes of content, of a chunk with this head. Wave64 counts the head in.
  func contentLength(of head: [UInt8]) -> UInt64 {
    guard self == .wave64 else { return littleEndian(head, 4, 4) }
    let length = littleEndian(head, 16, 8)
    return length < 24 ? 0 : length - 24
  }

  /// Chunks start at multiples of 2 bytes, in Wave64 of 8.
  func padded(_ length: UInt64) -> UInt64 {
    let step: UInt64 = self == .wave64 ? 8 : 2
    return length > UInt64(Int64.max) ? length : (length + step - 1) / step * step
  }
}

/// An unsigned integer of `count` bytes at `offset`, which must lie within `bytes`.
private func littleEndian(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> UInt64 {
  bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
}
