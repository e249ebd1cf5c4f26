// Formats, pipes and lengths: what was written comes back.
import CSottoSndFile
import Foundation
import Testing

@testable import SottoAudio

@Suite struct AudioFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  struct Kind: CustomTestStringConvertible, Sendable {
    var name: String
    var format: Int
    /// Largest error that the encoding may make.
    var tolerance: Float
    var testDescription: String { name }

    init(_ name: String, _ container: Int, _ encoding: Int, _ tolerance: Float) {
      (self.name, format, self.tolerance) = (name, container | encoding, tolerance)
    }
  }

  static let kinds = [
    Kind("u8.wav", SF_FORMAT_WAV, SF_FORMAT_PCM_U8, 1 / 128),
    Kind("s16.wav", SF_FORMAT_WAV, SF_FORMAT_PCM_16, 4e-5),
    Kind("s24.wav", SF_FORMAT_WAV, SF_FORMAT_PCM_24, 2e-7),
    Kind("s32.wav", SF_FORMAT_WAV, SF_FORMAT_PCM_32, 1e-7),
    Kind("f32.wav", SF_FORMAT_WAV, SF_FORMAT_FLOAT, 0), Kind("f64.wav", SF_FORMAT_WAV, SF_FORMAT_DOUBLE, 0),
    Kind("alaw.wav", SF_FORMAT_WAV, SF_FORMAT_ALAW, 0.02),
    Kind("mulaw.wav", SF_FORMAT_WAV, SF_FORMAT_ULAW, 0.02),
    Kind("extensible.wav", SF_FORMAT_WAVEX, SF_FORMAT_PCM_24, 2e-7),
    Kind("extensible-f32.wav", SF_FORMAT_WAVEX, SF_FORMAT_FLOAT, 0),
    Kind("rf64.wav", SF_FORMAT_RF64, SF_FORMAT_PCM_16, 4e-5),
    Kind("w64.w64", SF_FORMAT_W64, SF_FORMAT_PCM_16, 4e-5),
    Kind("adpcm.wav", SF_FORMAT_WAV, SF_FORMAT_IMA_ADPCM, 0.1),
    Kind("aiff.aiff", SF_FORMAT_AIFF, SF_FORMAT_PCM_16, 4e-5),
    Kind("au.au", SF_FORMAT_AU, SF_FORMAT_PCM_16, 4e-5),
    Kind("caf.caf", SF_FORMAT_CAF, SF_FORMAT_PCM_16, 4e-5),
    Kind("flac.flac", SF_FORMAT_FLAC, SF_FORMAT_PCM_16, 4e-5),
    Kind("vorbis.ogg", SF_FORMAT_OGG, SF_FORMAT_VORBIS, 0.1),
    Kind("opus.opus", SF_FORMAT_OGG, SF_FORMAT_OPUS, 0.1),
    Kind("mp3.mp3", SF_FORMAT_MPEG, SF_FORMAT_MPEG_LAYER_III, 0.1),
  ]

  /// From the file and from a pipe, in stereo with different channels.
  @Test(arguments: kinds) func comesBack(_ kind: Kind) throws {
    let left = tone(16_000)
    let right = tone(16_000, hertz: 700, amplitude: 0.3)
    let written = zip(left, right).flatMap { [$0, $1] }
    let path = folder(kind.name)
    try writeSound(written, to: path, format: kind.format, channels: 2)
    let file = try AudioFile(path: path)
    let read = try readAll(file)
    #expect(file.channels == 2)
    #expect(file.warning == nil)
    if kind.name.hasPrefix("mp3") || kind.name.hasPrefix("adpcm") {
      // Coded in blocks, with some silence behind.
      #expect(read.count >= written.count && read.count < written.count + 2 * 2400)
    } else {
      #expect(file.sampleRate == 16_000 || file.sampleRate == 48_000)
      #expect(read.count * 16_000 / file.sampleRate == written.count)
    }
    if file.sampleRate == 16_000 {
      // Lossy encoders need some milliseconds at both ends.
      let part = kind.tolerance > 0.02 ? 4000..<28_000 : 0..<written.count
      #expect(largestDifference(Array(read[part]), Array(written[part])) <= kind.tolerance)
    }
    #expect(abs((file.duration ?? 0) - Double(read.count / 2) / Double(file.sampleRate)) < 0.2)

    let piped = try openPipe(contents(path))
    #expect(piped.sampleRate == file.sampleRate)
    #expect(try readAll(piped) == read)
    #expect(piped.warning == nil)
  }

  /// The decoder for pipes against libsndfile, on every code of G.711 and random bytes of the other encodings.
  @Test func decodesAsLibsndfileDoes() throws {
    let data =
      (0..<256).map { UInt8($0) } + (0..<4096).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 7) }
    for (code, bits) in [(1, 8), (1, 16), (1, 24), (1, 32), (6, 8), (7, 8), (3, 64), (1, 20), (1, 12)] {
      let align = (bits + 7) / 8
      let bytes = WaveBytes(
        code: code, bits: bits, blockAlign: align, data: Array(data.prefix(data.count / align * align))
      ).bytes
      let byFile = try readAll(AudioFile(path: folder.write(bytes, as: "x.wav"))).map(\.bitPattern)
      let byPipe = try readAll(openPipe(bytes)).map(\.bitPattern)
      #expect(byFile == byPipe, "code \(code), \(bits) bits")
    }
  }

  @Test(arguments: [0, 0x7FFF_F000, 0x7FFF_FFFE, 0x8000_0000, 0xFFFF_FFFF])
  func unknownLengthReadsToTheEnd(_ announced: Int) throws {
    let samples = tone(8000)
    let bytes = WaveBytes(dataLength: announced, data: int16Bytes(samples)).bytes
    for file in [try AudioFile(path: folder.write(bytes, as: "x.wav")), try openPipe(bytes)] {
      #expect(largestDifference(try readAll(file), samples) < 4e-5)
      #expect(file.warning == nil)
    }
    #expect(try AudioFile(path: folder("x.wav")).duration == 0.5)
    #expect(try openPipe(bytes).duration == nil)
  }

  /// A text chunk of odd length before the samples, and one behind them, are no sound.
  @Test func otherChunksArePassedOver() throws {
    let samples = tone(4000)
    let list = Array("LIST".utf8) + number(5, 4) + [1, 2, 3, 4, 5, 0]
    let bytes = WaveBytes(extra: list, data: int16Bytes(samples)).bytes + list
    for file in [try AudioFile(path: folder.write(bytes, as: "x.wav")), try openPipe(bytes, step: 7)] {
      #expect(largestDifference(try readAll(file), samples) < 4e-5)
    }
  }

  @Test func truncatedDataIsDeliveredWithAWarning() throws {
    let samples = tone(192_000)
    let bytes = WaveBytes(data: int16Bytes(samples)).bytes
    let cut = Array(bytes.prefix(44 + 2 * 51_200 + 1))
    let expected = "ends early: the header announces 12.0 s, the data has 3.2 s"
    for file in [try AudioFile(path: folder.write(cut, as: "x.wav")), try openPipe(cut)] {
      #expect(try readAll(file).count == 51_200)
      #expect(file.warning == expected)
    }
  }

  @Test(
    arguments: kinds.filter {
      ["rf64", "w64", "aiff", "au", "flac", "vorbis", "opus", "mp3"].contains($0.stem)
    })
  func truncatedFilesOfEveryKindWarn(_ kind: Kind) throws {
    // Noise, so that compressed files grow with time, and long enough for several pages.
    var state: UInt32 = 1
    let noise = (0..<160_000).map { _ -> Float in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(Int32(bitPattern: state)) / 8e9
    }
    try writeSound(noise, to: folder("whole"), format: kind.format)
    let whole = try contents(folder("whole"))
    let file = try AudioFile(path: folder.write(Array(whole.prefix(whole.count * 2 / 3)), as: kind.name))
    let seconds = Double(try readAll(file, by: 1024).count) / Double(file.sampleRate)
    #expect((5.5...7).contains(seconds))
    #expect(
      file.warning?.contains(kind.format & SF_FORMAT_OGG != 0 && kind.stem != "rf64" ? "end" : "10.0 s")
        == true)
  }

  @Test func rawFormats() throws {
    #expect(throws: AudioError.self) { try RawFormat("16000:s16") }
    for text in [
      "", "a:s16:1", "0:s16:1", "16000:s17:1", "16000:u8le:1", "16000:s16:0", "16000:s16:1000", "1:2:3:4",
    ] {
      #expect(throws: AudioError.self) { try RawFormat(text) }
    }
    #expect(try RawFormat("8000:S24BE:2").encoding == PCMEncoding(.s24, isBigEndian: true))
    let little: [String: [UInt8]] = [
      "u8": [192], "s8": [64], "s16": [0, 64], "s24": [0, 0, 64], "s32": [0, 0, 0, 64],
      "f32": [0, 0, 0, 0x3F],
      "f64": [0, 0, 0, 0, 0, 0, 0xE0, 0x3F],
    ]
    for (name, bytes) in little {
      let raw = try RawFormat("16000:\(name):1")
      #expect(try readAll(openPipe(bytes, raw: raw)) == [0.5], "\(name)")
      guard bytes.count > 1 else { continue }
      let big = try RawFormat("16000:\(name)be:1")
      #expect(try readAll(openPipe(bytes.reversed(), raw: big)) == [0.5], "\(name)be")
    }
    // A file, and the rest of an incomplete frame.
    let path = try folder.write(int16Bytes([0.5, -0.5, 0.25]) + [7], as: "x.raw")
    let file = try AudioFile(path: path, raw: RawFormat("16000:s16:2"))
    #expect(try readAll(file) == [0.5, -0.5])
    #expect(file.warning?.contains("3 bytes") == true)
  }

  /// A live stream gives what has arrived; it does not wait for a full block.
  @Test func liveStreamsAreReadAsTheyArrive() throws {
    var ends: [Int32] = [0, 0]
    try #require(Foundation.pipe(&ends) == 0)
    let writer = FileDescriptor(owning: ends[1])
    let samples = tone(100)
    let header = WaveBytes(dataLength: 0xFFFF_FFFF).bytes
    try (header + int16Bytes(samples)).withUnsafeBytes { try writer.write($0) }
    let file = try AudioFile(descriptor: FileDescriptor(owning: ends[0]), name: "live", raw: nil)
    #expect(try file.read(frames: 1_000_000).count == 100)
    try int16Bytes(samples).withUnsafeBytes { try writer.write($0) }
    #expect(try file.read(frames: 1_000_000).count == 100)
  }

  /// The peer of a socket dies: what it sent is delivered, then the error, then nothing.
  @Test func readErrorPartWay() throws {
    var ends: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    do {
      let peer = FileDescriptor(owning: ends[1])
      [UInt8](repeating: 0, count: 8).withUnsafeBytes { _ = write(ends[0], $0.baseAddress, 8) }
      try int16Bytes(tone(8000)).withUnsafeBytes { try peer.write($0) }
    }
    let raw = try RawFormat("8000:s16:1")
    let file = try AudioFile(descriptor: FileDescriptor(owning: ends[0]), name: "live", raw: raw)
    let source = try ResampledSource(ChannelMixer(file, channels: .mix), rate: 16_000)
    var count = 0
    let error = #expect(throws: AudioError.self) {
      while true {
        let piece = try source.read(count: 1000)
        if piece.isEmpty { break }
        count += piece.count
      }
    }
    guard case .readFailed("live", let seconds, _) = error else {
      Issue.record("not the error of reading: \(String(describing: error))")
      return
    }
    #expect(seconds == 1)
    #expect(count == 16_000)
    #expect(try source.read(count: 1000).isEmpty)
  }
}

extension AudioFileTests.Kind {
  var stem: String { String(name.prefix { $0 != "." }) }
}
