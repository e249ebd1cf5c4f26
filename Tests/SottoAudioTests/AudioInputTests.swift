// Channels, cleaning, folders, and the way through the resampler.
import CSottoSndFile
import Foundation
import Testing

@testable import SottoAudio

@Suite struct AudioInputTests {
  let folder: TemporaryFolder
  let path: String

  /// Stereo with 0.5 on the left and -0.25 on the right.
  init() throws {
    folder = try TemporaryFolder()
    let frames = [[Float]](repeating: [0.5, -0.25], count: 1000).flatMap { $0 }
    path = try folder.write(WaveBytes(channels: 2, data: int16Bytes(frames)).bytes, as: "x.wav")
  }

  @Test func channelSelection() throws {
    let expected: [(ChannelSelection, Float)] = [
      (.mix, 0.125), (.left, 0.5), (.right, -0.25), (.index(0), 0.5), (.index(1), -0.25),
    ]
    for (selection, value) in expected {
      let source = try AudioInput(path).open(channels: selection)
      #expect(source.duration == 1000.0 / 16_000)
      #expect(try readAll(source) == [Float](repeating: value, count: 1000))
    }
    for index in [2, -1, Int.max, Int.min] {
      #expect(throws: AudioError.self) { try AudioInput(path).open(channels: .index(index)) }
    }
    let mono = try folder.write(WaveBytes(data: int16Bytes(tone(100))).bytes, as: "mono.wav")
    #expect(throws: AudioError.noSuchChannel(mono, channel: 2, of: 1)) {
      try AudioInput(mono).open(channels: .right)
    }
  }

  /// Every channel by itself, read at the same time, from a file and from a pipe with a name.
  @Test func eachChannel() throws {
    let fifo = folder("fifo")
    try #require(mkfifo(fifo, 0o600) == 0)
    let bytes = try contents(path)
    Thread.detachNewThread { try? Data(bytes).write(to: URL(fileURLWithPath: fifo), options: []) }
    for input in [path, fifo] {
      let sources = try AudioInput(input).openEach()
      #expect(sources.count == 2)
      var sums: [[Float]] = [[], []]
      for _ in 0..<20 {
        for (i, source) in sources.enumerated() { sums[i] += try source.read(count: 100) }
      }
      #expect(sums == [.init(repeating: 0.5, count: 1000), .init(repeating: -0.25, count: 1000)])
    }
  }

  @Test func samplesThatAreNoSound() throws {
    var samples: [Float] = [0.5, .nan, .infinity, -.infinity, 1e30, -1e30, 0.25]
    let bytes = WaveBytes(code: 3, bits: 32, data: samples.flatMap { number(Int($0.bitPattern), 4) }).bytes
    samples = [0.5, 0, 0, 0, 4, -4, 0.25]
    let source = try AudioInput(folder.write(bytes, as: "nan.wav")).open()
    #expect(try readAll(source, by: 2) == samples)
    let warning = try #require(source.warning)
    #expect(warning.contains("3 samples were not finite"))
    #expect(warning.contains("2 samples were beyond 4 times"))
    // A double beyond the range of Float, through the resampler.
    let doubles = [1e300, Double.nan, 0].flatMap { number(Int(bitPattern: UInt(Double($0).bitPattern)), 8) }
    let wide = try AudioInput(
      folder.write(WaveBytes(code: 3, sampleRate: 8000, bits: 64, data: doubles).bytes, as: "wide.wav")
    ).open()
    #expect(try readAll(wide).allSatisfy { abs($0) <= 4 })
    #expect(wide.warning != nil)
    #expect(SampleSource(samples: [.nan, 9]).read(count: .max) == [0, 4])
  }

  @Test(arguments: [16_000, 44_100])
  func piecesDoNotMatter(_ rate: Int) throws {
    let frames = tone(rate, rate: rate)
    let bytes = WaveBytes(channels: 2, sampleRate: rate, data: int16Bytes(frames)).bytes
    let whole = try readAll(AudioInput(folder.write(bytes, as: "whole.wav")).open(), by: 1 << 20)
    #expect(whole.count == 8000)
    for count in [1, 7, 4096] {
      #expect(try readAll(AudioInput(folder("whole.wav")).open(), by: count) == whole)
    }
    for step in [3, 333, 50_000] {
      let mixer = try ChannelMixer(openPipe(bytes, step: step), channels: .mix)
      let source: any AudioSource = rate == 16_000 ? mixer : try ResampledSource(mixer, rate: 16_000)
      #expect(try readAll(source) == whole)
    }
  }

  @Test func folders() throws {
    let manager = FileManager.default
    for name in ["b", "b/c", ".hidden", "empty"] {
      try manager.createDirectory(atPath: folder("top/" + name), withIntermediateDirectories: true)
    }
    let names = [
      "talk 10.wav", "talk 2.FLAC", "Talk 1.Mp3", "note.txt", "wav", ".secret.wav", "b/z.opus", "b/c/y.OGG",
      ".hidden/x.wav", "talk 02.wav",
    ]
    for name in names { _ = manager.createFile(atPath: folder("top/" + name), contents: Data()) }
    // A loop of links.
    try manager.createSymbolicLink(atPath: folder("top/b/up"), withDestinationPath: "..")
    try manager.createSymbolicLink(atPath: folder("top/b/self"), withDestinationPath: ".")
    let top = folder("top")
    let flat = try AudioFolder.files(in: top, recursive: false)
    let expected = ["Talk 1.Mp3", "talk 02.wav", "talk 2.FLAC", "talk 10.wav"].map { "\(top)/\($0)" }
    #expect(Set(flat) == Set(expected) && flat.first == expected.first && flat.last == expected.last)
    let deep = try AudioFolder.files(in: top, recursive: true)
    #expect(deep == ["\(top)/b/c/y.OGG", "\(top)/b/z.opus"] + flat)
    #expect(throws: AudioError.noAudioInFolder(folder("top/empty"), recursive: true)) {
      try AudioFolder.files(in: folder("top/empty"), recursive: true)
    }
    #expect(throws: AudioError.notFound(folder("none"))) {
      try AudioFolder.files(in: folder("none"), recursive: true)
    }
  }

  /// A recording of 11 hours (sparse, RF64, past 4 GiB) takes no memory: the first and a later part are read.
  @Test func hoursTakeNoMemory() throws {
    let hours = 11
    let length = hours * 3600 * 48_000 * 2 * 2
    let body = WaveBytes(channels: 2, sampleRate: 48_000, dataLength: 0xFFFF_FFFF).bytes.dropFirst(12)
    let header =
      Array("RF64".utf8) + number(0xFFFF_FFFF, 4) + Array("WAVEds64".utf8) + number(28, 4)
      + number(length + 72, 8) + number(length, 8) + number(length / 4, 8) + number(0, 4) + body
    let path = try folder.write(header, as: "long.wav")
    try #require(truncate(path, header.count + length) == 0)
    let source = try AudioInput(path).open()
    #expect(source.duration == Double(hours * 3600))
    _ = try source.read(count: 16_000)
    let before = try residentKiB()
    var count = 0
    for _ in 0..<300 { count += try source.read(count: 16_000).count }
    #expect(count > 300 * 1000)
    #expect(try residentKiB() - before < 16_000)
  }

  private func residentKiB() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS") })
    return try #require(Int(line.split(separator: " ").dropFirst().first ?? ""))
  }
}

@Suite struct SampleTests {
  /// The recordings in samples/, made by other programs, come to 16 kHz mono at their full length.
  @Test(arguments: [
    ("page.flac", 5.99), ("scheme.wav", 3.39), ("wards.mp3", 8.41), ("telephone.wav", 6.22),
    ("memo.opus", 6.28),
    ("turns.ogg", 10.65), ("museum.flac", 51.24),
  ]) func lengthAndLoudness(_ name: String, _ seconds: Double) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let path = root.deletingLastPathComponent().appendingPathComponent("samples/\(name)").path
    let source = try AudioInput(path).open()
    let samples = try readAll(source)
    #expect(abs(Double(samples.count) / 16_000 - seconds) < 0.06)
    #expect(abs((source.duration ?? 0) - seconds) < 0.06)
    #expect((0.1...1.1).contains(samples.map { abs($0) }.max() ?? 0))
    #expect(source.warning == nil)
  }
}
