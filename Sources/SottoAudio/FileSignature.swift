// What a file is by its first bytes: audio for libsndfile, or what to call it in a message.

/// Judges the first bytes of a file or stream.
struct FileSignature {
  /// Bytes that are enough.
  static let length = 64

  let head: [UInt8]

  /// Whether libsndfile may know it: an audio format that cannot be decoded from a pipe directly.
  var mayBeAudio: Bool {
    let audio = [
      "fLaC", "OggS", "ID3", "FORM", "RIFX", "RIFF", "RF64", "BW64", "riff", ".snd", "dns.", "caff",
      "NIST_1A",
      "Creative Voice File", "PVF1", "2BIT", "FAP ", " PAF",
    ]
    // An MPEG audio frame starts with eleven ones; version and layer are not the reserved ones.
    let isMPEG =
      head.count > 2 && head[0] == 0xFF && head[1] & 0xE0 == 0xE0 && head[1] & 0x18 != 0x08
      && head[1] & 0x06 != 0 && head[2] & 0xF0 != 0xF0
    return isMPEG || audio.contains { starts(with: $0) } || isIRCAM
  }

  private var isIRCAM: Bool {
    head.starts(with: [0x64, 0xA3]) || (head.count > 3 && head[1] == 0x64 && head[2...].starts(with: [0, 0]))
  }

  /// A name for what it is, or `unknown format`.
  var guess: String {
    let bytes: [([UInt8], String)] = [
      ([0x89, 0x50, 0x4E, 0x47], "it is a PNG image"), ([0xFF, 0xD8, 0xFF], "it is a JPEG image"),
      ([0x1F, 0x8B], "it is compressed by gzip"), ([0xFD, 0x37, 0x7A, 0x58], "it is compressed by xz"),
      ([0x28, 0xB5, 0x2F, 0xFD], "it is compressed by zstd"), ([0x7F, 0x45, 0x4C, 0x46], "it is a program"),
      ([0x1A, 0x45, 0xDF, 0xA3], "it is Matroska or WebM"), ([0x30, 0x26, 0xB2, 0x75], "it is WMA or WMV"),
    ]
    let texts = [
      ("GIF8", "it is a GIF image"), ("%PDF", "it is a PDF document"), ("PK", "it is a ZIP archive"),
      ("#!AMR", "it is AMR"), ("wvpk", "it is WavPack"), ("MAC ", "it is Monkey's Audio"),
      ("ADIF", "it is AAC"),
    ]
    if let match = bytes.first(where: { head.starts(with: $0.0) }) { return match.1 }
    if let match = texts.first(where: { starts(with: $0.0) }) { return match.1 }
    if head.count >= 8, head[4..<8].elementsEqual("ftyp".utf8) { return "it is MP4 or M4A" }
    if head.count >= 2, head[0] == 0xFF, head[1] & 0xF6 == 0xF0 { return "it is AAC" }
    if starts(with: "RIFF"), head.count >= 12 {
      return "it is RIFF, but of type '\(String(decoding: head[8..<12], as: UTF8.self))'"
    }
    return isText ? "it is text" : "unknown format"
  }

  private var isText: Bool {
    !head.isEmpty && head.allSatisfy { $0 >= 0x20 && $0 != 0x7F || (0x09...0x0D).contains($0) }
      // The last character may be cut.
      && (0..<4).contains { String(validating: head.dropLast($0), as: UTF8.self) != nil }
  }

  private func starts(with text: String) -> Bool { head.starts(with: text.utf8) }
}
