// Recordings made for the tests: by libsndfile, or byte by byte where they must be wrong.
import CSottoSndFile
import Foundation
import Testing

@testable import SottoAudio

/// A folder that lives as long as this object.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "sotto-audio-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file and returns its path.
  func write(_ bytes: [UInt8], as name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: self(name)))
    return self(name)
  }
}

func contents(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

/// Writes interleaved samples by libsndfile.
func writeSound(
  _ samples: [Float], to path: String, format: Int, sampleRate: Int = 16_000, channels: Int = 1
) throws {
  var info = SF_INFO()
  info.samplerate = Int32(sampleRate)
  info.channels = Int32(channels)
  info.format = Int32(format)
  let handle = try #require(sf_open(path, Int32(SFM_WRITE), &info), "libsndfile cannot write \(path)")
  defer { sf_close(handle) }
  sf_command(handle, Int32(SFC_SET_CLIPPING), nil, Int32(SF_TRUE))
  #expect(sf_writef_float(handle, samples, sf_count_t(samples.count / channels)) == samples.count / channels)
}

/// The fields of a WAV file, each of which a test may falsify.
struct WaveBytes {
  var code = 1
  var channels = 1
  var sampleRate = 16_000
  var bits = 16
  var blockAlign: Int?
  /// The announced length; nil for the true one.
  var dataLength: Int?
  var extensible = false
  /// Chunks before the samples.
  var extra: [UInt8] = []
  var data: [UInt8] = []

  var bytes: [UInt8] {
    let align = blockAlign ?? channels * bits / 8
    var format = number(extensible ? 0xFFFE : code, 2) + number(channels, 2) + number(sampleRate, 4)
    format += number(sampleRate &* align, 4) + number(align, 2) + number(bits, 2)
    if extensible {
      format += number(22, 2) + number(bits, 2) + number(0, 4) + number(code, 2)
      format += [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]
    }
    let chunks = Array("WAVEfmt ".utf8) + number(format.count, 4) + format + extra + Array("data".utf8)
    let body = chunks + number(dataLength ?? data.count, 4) + data
    return Array("RIFF".utf8) + number(body.count, 4) + body
  }
}

/// The low bytes of a number, little-endian.
func number(_ value: Int, _ bytes: Int) -> [UInt8] {
  (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

func int16Bytes(_ samples: [Float]) -> [UInt8] {
  samples.flatMap { number(Int(($0 * 32_768).rounded()), 2) }
}

/// Sine of a frequency that no rate divides.
func tone(_ count: Int, rate: Int = 16_000, hertz: Double = 441.7, amplitude: Float = 0.5) -> [Float] {
  (0..<count).map { amplitude * Float(sin(2 * Double.pi * hertz * Double($0) / Double(rate))) }
}

/// Everything that a source has, by pieces of `count`.
func readAll(_ source: any AudioSource, by count: Int = 4096) throws -> [Float] {
  var result: [Float] = []
  while true {
    let piece = try source.read(count: count)
    if piece.count > count { Issue.record("\(piece.count) samples where \(count) were asked for") }
    if piece.isEmpty { return result }
    result += piece
  }
}

/// Everything that a file has, interleaved.
func readAll(_ file: AudioFile, by frames: Int = 4096) throws -> [Float] {
  var result: [Float] = []
  while true {
    let piece = try file.read(frames: frames)
    if piece.isEmpty { return result }
    result += piece
  }
}

/// The reading end of a pipe that another thread fills with pieces of `step` bytes.
func pipe(_ bytes: [UInt8], step: Int = 1000) throws -> FileDescriptor {
  var ends: [Int32] = [0, 0]
  try #require(Foundation.pipe(&ends) == 0)
  signal(SIGPIPE, SIG_IGN)
  let writer = FileDescriptor(owning: ends[1])
  let box = UncheckedBox(writer)
  Thread.detachNewThread {
    for start in stride(from: 0, to: bytes.count, by: step) {
      let piece = bytes[start..<min(start + step, bytes.count)]
      // A reader that has gone away is the end of it.
      guard (try? piece.withUnsafeBytes { try box.value.write($0) }) != nil else { break }
    }
  }
  return FileDescriptor(owning: ends[0])
}

/// Hands a value to one other thread.
struct UncheckedBox<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}

func openPipe(_ bytes: [UInt8], step: Int = 1000, raw: RawFormat? = nil) throws -> AudioFile {
  try AudioFile(descriptor: pipe(bytes, step: step), name: standardInputName, raw: raw)
}

func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
  a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
}
