// Everything that is no recording, and every header that lies: a typed error, no trap, no hang, no memory.
import CSottoSndFile
import Foundation
import Testing

@testable import SottoAudio

@Suite struct BadAudioTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The error of opening a file with these bytes, and of a pipe with them.
  private func errors(_ bytes: [UInt8], as name: String = "x.wav") throws -> [AudioError?] {
    let path = try folder.write(bytes, as: name)
    return [
      #expect(throws: AudioError.self) { try AudioInput(path).open() },
      #expect(throws: AudioError.self) { try ChannelMixer(openPipe(bytes), channels: .mix) },
    ]
  }

  @Test func whatIsNoFile() throws {
    #expect(throws: AudioError.notFound(folder("none.wav"))) { try AudioInput(folder("none.wav")).open() }
    #expect(throws: AudioError.notFound("")) { try AudioInput("").open() }
    #expect(throws: AudioError.notFound(folder("x.wav/y"))) {
      try AudioInput(folder.write([1], as: "x.wav") + "/y").open()
    }
    #expect(throws: AudioError.isDirectory(folder.path)) { try AudioInput(folder.path).open() }
    #expect(throws: AudioError.isDirectory(folder.path)) { try AudioInput(folder.path).openEach() }
    // A device without an end that is no audio.
    #expect(throws: AudioError.notAudio("/dev/zero", guess: "unknown format")) {
      try AudioInput("/dev/zero").open()
    }
    #expect(throws: AudioError.empty("/dev/null")) { try AudioInput("/dev/null").open() }
    let raw = try RawFormat("16000:s16:1")
    #expect(throws: AudioError.empty("/dev/null")) { try AudioInput("/dev/null", raw: raw).openEach() }
  }

  @Test(.enabled(if: geteuid() != 0, "the superuser may read everything"))
  func forbiddenFiles() throws {
    let path = try folder.write([1], as: "x.wav")
    try #require(chmod(path, 0) == 0)
    let error = #expect(throws: AudioError.self) { try AudioInput(path).open() }
    #expect(error == .notReadable(path, reason: "Permission denied"))
  }

  @Test func whatIsNoAudio() throws {
    let random = (0..<5000).map { UInt8(truncatingIfNeeded: (($0 + 3) &* 2_654_435_761) >> 9) }
    let cases: [([UInt8], String)] = [
      (Array("Hello, this is a text, and it is no sound.\n".utf8), "it is text"),
      ([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + random, "it is a PNG image"),
      ([0, 0, 0, 24] + Array("ftypM4A ".utf8) + random, "it is MP4 or M4A"), (random, "unknown format"),
      ([UInt8](repeating: 0, count: 3000), "unknown format"), ([82], "it is text"),
    ]
    for (bytes, guess) in cases {
      let found = try errors(bytes)
      #expect(
        found == [.notAudio(folder("x.wav"), guess: guess), .notAudio(standardInputName, guess: guess)])
    }
    #expect(try errors([]) == [.empty(folder("x.wav")), .empty(standardInputName)])
  }

  @Test func headersCutShort() throws {
    let bytes = WaveBytes(data: int16Bytes(tone(1000))).bytes
    for length in [12, 16, 20, 30, 40] {
      #expect(
        try errors(Array(bytes.prefix(length)))
          == [.headerCutShort(folder("x.wav")), .headerCutShort(standardInputName)], "\(length) bytes")
    }
    for length in [44, 45] {
      #expect(
        try errors(Array(bytes.prefix(length))) == [
          .noSamples(folder("x.wav")), .noSamples(standardInputName),
        ])
    }
    // Of every other format: some error at every length, until there are samples.
    for (name, format) in [
      ("f.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16), ("v.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS),
    ] {
      try writeSound(tone(16_000), to: folder(name), format: format)
      let whole = try contents(folder(name))
      for length in [4, 20, 40] { _ = try errors(Array(whole.prefix(length)), as: "cut") }
    }
  }

  @Test func ratesAndChannels() throws {
    let data = [UInt8](repeating: 1, count: 40_000)
    for rate in [0, 1, 999, 768_001, 0x7FFF_FFFF, 0xFFFF_FFFF] {
      let found = try errors(WaveBytes(sampleRate: rate, data: data).bytes)
      #expect(
        found == [
          .unusableSampleRate(folder("x.wav"), rate: rate),
          .unusableSampleRate(standardInputName, rate: rate),
        ])
    }
    for channels in [0, 65, 200, 1024, 65_535] {
      let found = try errors(WaveBytes(channels: channels, data: data).bytes)
      #expect(
        found == [
          .unusableChannelCount(folder("x.wav"), channels: channels),
          .unusableChannelCount(standardInputName, channels: channels),
        ])
    }
    // At the limits.
    for (rate, channels) in [(1000, 1), (768_000, 1), (8000, 64)] {
      let bytes = WaveBytes(channels: channels, sampleRate: rate, data: data).bytes
      let source = try AudioInput(folder.write(bytes, as: "limit.wav")).open()
      #expect(try readAll(source).count > 0)
    }
  }

  @Test func encodings() throws {
    for (code, bits) in [(0x161, 16), (0x55, 0), (1, 0), (1, 64), (3, 16), (0x7777, 8)] {
      for error in try errors(WaveBytes(code: code, bits: bits, data: .init(repeating: 9, count: 400)).bytes)
      {
        guard case .unsupportedEncoding(_, let encoding) = error else {
          Issue.record("\(code), \(bits) bits: \(String(describing: error))")
          continue
        }
        #expect(!encoding.isEmpty)
      }
    }
  }

  /// One WAV file behind another: libsndfile refuses them, and not for their encoding.
  @Test func recordingsInOneFile() throws {
    let wave = WaveBytes(data: int16Bytes(tone(4000))).bytes
    let path = try folder.write(wave + wave, as: "two.wav")
    let error = #expect(throws: AudioError.self) { try AudioInput(path).open() }
    guard case .malformed(path, let detail) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(detail.contains("RIFF"))
  }

  /// Lengths near every power of two that arithmetic may stumble on.
  @Test(arguments: [1 << 31, 1 << 32 - 1, 1 << 53, 1 << 62, Int.max, Int.min, -1, -16, -24])
  func hostileLengths(_ length: Int) throws {
    let samples = int16Bytes(tone(500))
    let wave = WaveBytes(data: samples).bytes
    let rf64 =
      Array("RF64".utf8) + number(-1, 4) + Array("WAVEds64".utf8) + number(28, 4) + number(length, 8)
      + number(length, 8) + number(length, 8) + number(0, 4) + wave[12..<40] + number(-1, 4) + samples
    let guid: [UInt8] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A]
    let riff: [UInt8] =
      Array("riff".utf8) + [0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0, 0]
    let w64 =
      riff + number(length, 8) + Array("wave".utf8) + guid + Array("fmt ".utf8) + guid + number(40, 8)
      + wave[20..<36]
      + Array("data".utf8) + guid + number(length, 8) + samples
    let chunk = Array(wave[..<12]) + Array("LIST".utf8) + number(length, 4) + wave[12...]
    let format = Array(wave[..<16]) + number(length, 4) + wave[20...]
    let data = Array(wave[..<40]) + number(length, 4) + samples
    for bytes in [rf64, w64, chunk, format, data, Array(w64.prefix(110))] {
      for isFile in [true, false] {
        do {
          let file = isFile ? try AudioFile(path: folder.write(bytes, as: "x.wav")) : try openPipe(bytes)
          let source = try ResampledSource(ChannelMixer(file, channels: .mix), rate: 8000)
          #expect(try readAll(source).count <= 2000)
          // A pipe cannot be asked, but months are no answer.
          if let duration = source.duration { #expect(duration < (isFile ? 1 : 1e8)) }
        } catch {
          #expect(error is AudioError, "\(error)")
        }
      }
    }
  }

  /// One byte after the other of small files replaced; every outcome but a trap or a hang is fine.
  @Test(arguments: [
    SF_FORMAT_WAV | SF_FORMAT_PCM_16, SF_FORMAT_WAVEX | SF_FORMAT_PCM_24, SF_FORMAT_RF64 | SF_FORMAT_FLOAT,
    SF_FORMAT_W64 | SF_FORMAT_PCM_16, SF_FORMAT_AIFF | SF_FORMAT_PCM_16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
    SF_FORMAT_CAF | SF_FORMAT_PCM_16, SF_FORMAT_AU | SF_FORMAT_PCM_16,
  ]) func damagedHeaders(_ format: Int) throws {
    try writeSound(tone(256), to: folder("good"), format: format)
    let good = try contents(folder("good"))
    for offset in 0..<min(good.count, 120) {
      for value: UInt8 in [0, 0xFF] where good[offset] != value {
        var bytes = good
        bytes[offset] = value
        do {
          let samples = try readAll(AudioInput(folder.write(bytes, as: "bad")).open(rate: 8000))
          #expect(samples.count <= 256 * 64, "byte \(offset) as \(value)")
        } catch {
          #expect(error is AudioError, "byte \(offset) as \(value): \(error)")
        }
        // The other formats are stored from a pipe and are then files again.
        if WaveHeader.recognises(Array(bytes.prefix(16))) {
          _ = try? readAll(ChannelMixer(openPipe(bytes), channels: .mix))
        }
      }
    }
  }

  @Test func messagesAreOneLineWithARemedy() {
    let text = AudioError.notAudio("a talk\n.wav", guess: "it is text").description
    #expect(
      text == "a talk?.wav: not an audio file that libsndfile can read (it is text); "
        + "convert it first, for example: ffmpeg -i 'a talk?.wav' out.flac")
    #expect(
      "\(AudioError.notAudio("talk.wav", guess: "unknown format"))".hasSuffix("ffmpeg -i talk.wav out.flac"))
    #expect("\(AudioError.notAudio("it's.wav", guess: "unknown format"))".contains("-i 'it'\\''s.wav' out"))
    let error: any Error = AudioError.readFailed("x.wav", seconds: 1.25, reason: "Input/output error")
    #expect(error.localizedDescription.contains("x.wav: reading failed after 1.2 s"))
  }
}
