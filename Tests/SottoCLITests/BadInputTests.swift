// Broken recordings get a line that names them; the others go on; nothing traps, hangs or grows.

import Foundation
import SottoTestSupport
import Testing

@Suite struct BadInputTests {
  private static let good = WaveFile.noise(seconds: 0.5)

  /// A good recording with bytes replaced from `offset` on.
  private static func patched(_ offset: Int, _ bytes: [UInt8]) -> Data {
    var data = good
    data.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    return data
  }

  /// Nothing of these can be recognised.
  static let useless: [(name: String, data: Data)] = [
    ("empty.wav", Data()),
    ("header only.wav", WaveFile.noise(seconds: 0)),
    ("cut in header.wav", good.prefix(30)),
    ("text.wav", Data("Not a recording at all.\n".utf8)),
    ("image.wav", Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) + Data(repeating: 7, count: 500)),
    ("random.wav", Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 * $0 * 31 + $0 >> 3) })),
    ("rate zero.wav", patched(24, [0, 0, 0, 0])),
    ("rate absurd.wav", patched(24, [0xFF, 0xFF, 0xFF, 0x7F])),
    ("no channels.wav", patched(22, [0, 0])),
    ("channels absurd.wav", patched(22, [0xFF, 0xFF])),
    ("bits absurd.wav", patched(34, [0xFF, 0xFF])),
    ("unknown code.wav", patched(20, [0x34, 0x12])),
    ("line\nbreak.wav", Data()),
  ]

  @Test func uselessOnesAreNamed() throws {
    let folder = try TemporaryFolder()
    for (name, data) in Self.useless { try folder.write(name, data) }
    try folder.write("good.wav", Self.good)
    let names = Self.useless.map(\.name) + ["a folder of nothing", "gone.wav", "good.wav"]
    try FileManager.default.createDirectory(
      atPath: folder("a folder of nothing"), withIntermediateDirectories: true)
    let result = try Sotto.run(["transcribe", "-m", Sotto.model, "-f", "jsonl"] + names, in: folder)
    #expect(result.status == 1)
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == names.count - 1)
    for name in names {
      let shown = name.replacingOccurrences(of: "\n", with: "?")
      #expect(lines.count { $0.hasPrefix("sotto: \(shown): ") } == (name == "good.wav" ? 0 : 1), "\(name)")
    }
    let objects = try Sotto.objects(result.output)
    #expect(objects.count == names.count)
    for object in objects {
      let isGood = object["file"] as? String == "good.wav"
      #expect((object["error"] == nil) == isGood && (object["text"] != nil) == isGood)
    }
  }

  @Test(arguments: useless.map(\.name).filter { $0 != "line\nbreak.wav" })
  func uselessOnPipes(name: String) throws {
    let folder = try TemporaryFolder()
    let data = try #require(Self.useless.first { $0.name == name }).data
    try folder.write(name, data)
    let result = try Sotto.shell("cat '\(name)' | $sotto transcribe -m $model -", in: folder)
    #expect(result.status == 1 && result.output.isEmpty)
    #expect(result.errors.hasPrefix("sotto: standard input: ") && result.errors.count { $0 == "\n" } == 1)
  }

  /// Root may read everything.
  @Test(.enabled(if: getuid() != 0)) func unreadable() throws {
    let folder = try TemporaryFolder()
    try folder.write("locked.wav", Self.good)
    chmod(folder("locked.wav"), 0)
    let result = try Sotto.transcribe("locked.wav", in: folder)
    #expect(result.status == 1 && result.errors.hasPrefix("sotto: locked.wav: "))
  }

  /// What there is of these is recognised, and a line says what is wrong.
  static let damaged: [(name: String, data: Data)] = [
    ("cut in data.wav", good.prefix(8000)),
    ("not finite.wav", floats([.nan, .infinity, -.infinity, 0.1, 0.2])),
    ("far too loud.wav", floats([1e30, -1e30, 0.1, 0.2])),
  ]

  /// 32-bit floating point, half a second, `values` over and over.
  private static func floats(_ values: [Float]) -> Data {
    let samples = (0..<8000).map { values[$0 % values.count].bitPattern }
    var data = WaveFile.wave(
      samples.flatMap { [Int16(truncatingIfNeeded: $0), Int16(truncatingIfNeeded: $0 >> 16)] }, rate: 16_000,
      channels: 1)
    data.replaceSubrange(20..<22, with: [3, 0])
    data.replaceSubrange(32..<36, with: [4, 0, 32, 0])
    return data
  }

  @Test(arguments: damaged.map(\.name))
  func damagedOnesAreRecognisedWithAWarning(name: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(name, try #require(Self.damaged.first { $0.name == name }).data)
    let result = try Sotto.transcribe("-f", "jsonl", name, in: folder)
    #expect(result.status == 1)
    #expect(result.errors.hasPrefix("sotto: \(name): ") && result.errors.count { $0 == "\n" } == 1)
    let object = try #require(Sotto.objects(result.output).first)
    #expect(object["text"] != nil && object["error"] == nil)
    let duration = try #require(object["duration"] as? Double)
    #expect(0.2 < duration && duration <= 0.5)
  }
}
