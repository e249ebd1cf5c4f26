// Broken model files get one line that names the file and the remedy; nothing traps, hangs or grows.

import Foundation
import SottoTestSupport
import Testing

@Suite struct BadModelTests {
  static let speech = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("samples/scheme.wav").path

  /// Bytes of address space that the program may take: far more than it needs, far less than a count from a bad file
  /// could ask for.
  static let addressSpace = 4 << 30

  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    /// What the line on standard error says after the file's name.
    var message: String
    var make: @Sendable () throws -> Data

    /// The small model with something changed.
    static func changed(
      _ name: String, _ message: String, _ change: @escaping @Sendable (inout ModelSurgery) -> Void
    ) -> Case {
      Case(testDescription: name, message: message) {
        var model = try ModelSurgery(path: Sotto.model)
        let before = try model.encoded()
        change(&model)
        let data = try model.encoded()
        try #require(data != before)
        return data
      }
    }

    static func configured(_ old: String, _ new: String, _ message: String) -> Case {
      changed("\(old) → \(new)", message) { $0.configure(old, new) }
    }

    static func cut(_ count: @escaping @Sendable (Int) -> Int, _ message: String) -> Case {
      Case(testDescription: "cut to \(count(46_739)) bytes", message: message) {
        let data = try Data(contentsOf: URL(fileURLWithPath: Sotto.model))
        return data.prefix(count(data.count))
      }
    }

    static func bytes(_ name: String, _ message: String, _ data: Data) -> Case {
      Case(testDescription: name, message: message) { data }
    }
  }

  static let files: [Case] = [
    .bytes("empty", "the file is empty", Data()),
    .cut({ _ in 4 }, "the file is cut short in its header"),
    .cut({ _ in 8 }, "the file is cut short in its header"),
    .cut({ _ in 5000 }, "the file is cut short in its header"),
    .cut({ $0 / 2 }, "the file is cut short"),
    .cut({ $0 - 1 }, "the file is cut short"),
    .bytes("text", "does not start with a safetensors header", Data("This is no model at all.\n".utf8)),
    .bytes("sound", "does not start with a safetensors header", WaveFile.noise(seconds: 0.1)),
    .bytes(
      "random bytes", "does not start with a safetensors header",
      Data((0..<4096).map { UInt8(truncatingIfNeeded: $0 * $0 * 31 + $0 >> 3) })),
    .bytes(
      "header of 2⁶³ bytes", "at most 8388608 are accepted",
      ModelSurgery.file(header: Data("{}".utf8), length: 1 << 63)),
    .bytes(
      "header that is no JSON", "its header is not valid JSON", ModelSurgery.file(header: Data("{[}".utf8))),
    .bytes(
      "header that goes deep", "its header is not valid JSON",
      ModelSurgery.file(header: Data(String(repeating: #"{"a":"#, count: 1 << 20).utf8))),
    .bytes("no metadata", "no sotto configuration", ModelSurgery.file(header: Data("{}".utf8))),
  ]

  static let tensors: [Case] = [
    .changed("another shape", "“encoder.conv1.weight”: its shape is [80, 16, 3]; [16, 80, 3] is needed") {
      $0.change("encoder.conv1.weight") { $0.shape = [80, 16, 3] }
    },
    .changed("fewer dimensions", "“decoder.embedding.weight”: its shape is [1376]") {
      $0.change("decoder.embedding.weight") { $0.shape = [1376] }
    },
    .changed("too few bytes", "it has 960 bytes where its shape [60, 16] of F16 needs 1920") {
      $0.change("decoder.positions") { $0.shape = [60, 16] }
    },
    .changed("a huge shape", "“decoder.positions”: its shape [4611686018427387904, 16] is impossible") {
      $0.change("decoder.positions") { $0.shape = [1 << 62, 16] }
    },
    .changed("a negative shape", "“decoder.positions”: its shape [-30, -16] is impossible") {
      $0.change("decoder.positions") { $0.shape = [-30, -16] }
    },
    .changed("integers for weights", "it is of type I16; F16, BF16 or F32 is needed") {
      $0.change("encoder.norm.weight") { $0.type = "I16" }
    },
    .changed("signed bytes for text", "“vocabulary.bytes”: it must be a list of bytes (U8)") {
      $0.change("vocabulary.bytes") { $0.type = "I8" }
    },
    .changed("offsets that are fractions", "“vocabulary.offsets”: it is of type F32; U32 is needed") {
      $0.change("vocabulary.offsets") { $0.type = "F32" }
    },
    .changed("an unknown type", "“encoder.norm.bias”: its element type is not known") {
      $0.change("encoder.norm.bias") { $0.type = "F17" }
    },
    .changed("not a number", "“encoder.norm.weight”: it holds values that are not finite") {
      $0.change("encoder.norm.weight") { $0.data[1] = 0x7E }
    },
    .changed("offsets that go back", "“vocabulary.offsets”: they do not cut vocabulary.bytes into tokens") {
      $0.change("vocabulary.offsets") { $0.data[4] = 0xFF }
    },
    .changed("lengths beyond the bytes", "“vocabulary.lengths”: they do not cut vocabulary.bytes into tokens")
    {
      $0.change("vocabulary.offsets") {
        $0 = .init(name: "vocabulary.lengths", type: "U8", shape: [86], data: Data(repeating: 255, count: 86))
      }
    },
    .changed("a length too few", "“vocabulary.lengths”: its shape is [85]; [86] is needed") {
      $0.change("vocabulary.offsets") {
        $0 = .init(name: "vocabulary.lengths", type: "U8", shape: [85], data: Data(count: 85))
      }
    },
    .changed("a tensor too few", "the tensor “decoder.norm.bias” is missing") {
      $0.tensors.removeAll { $0.name == "decoder.norm.bias" }
    },
  ]

  static let configurations: [Case] = [
    .changed("no configuration", "no sotto configuration") { $0.configuration = nil },
    .changed("no JSON", "not valid JSON") { $0.configuration = "format 1" },
    .configured("\"format\":1", "\"format\":2", "format 2; this version of sotto reads up to 1"),
    .configured("\"format\":1", "\"format\":true", "“format” has a wrong type"),
    .configured("\"attention\"", "\"telepathy\"", "“family” has an unknown value"),
    .configured("\"encoder\"", "\"encodr\"", "“encoder” is missing"),
    // Plausible, but not what the tensors are.
    .configured("\"layers\":2", "\"layers\":200", "“encoder.layers.2.self_attention.norm.weight” is missing"),
    .configured("\"positions\":30", "\"positions\":1048576", "[1048576, 16] is needed"),
    .configured("\"feedForward\":32", "\"feedForward\":262144", "[262144, 16] is needed"),
    .configured("\"size\":86", "\"size\":4194304", "[4194304, 16] is needed"),
    .configured("\"melBands\":80", "\"melBands\":200", "[16, 200, 3] is needed"),
    // Not plausible.
    .configured("\"layers\":2", "\"layers\":9223372036854775807", "layers"),
    .configured("\"width\":16", "\"width\":0", "encoder of width 0"),
    .configured("\"heads\":2", "\"heads\":0", "0 heads"),
    .configured("\"window\":0.6", "\"window\":30", "window of 30.0 s with 30 positions"),
    .configured("\"endOfText\":50", "\"endOfText\":86", "token 86 in a vocabulary of 86"),
    .configured("[0,1]", "[7,0]", "alignment head [7, 0]"),
    .configured("\"hop\":160", "\"hop\":0", "hop of 0 samples"),
    .configured("\"windowLength\":400", "\"windowLength\":401", "windowLength"),
    .configured("\"melBands\":80", "\"melBands\":1024", "melBands"),
    .configured("\"sampleRate\":16000", "\"sampleRate\":8000", "sample rate 8000"),
    .configured(
      "\"quantization\":{}",
      "\"quantization\":{\"decoder.embedding.weight\":{\"planes\":[2],\"rows\":[86],\"inputs\":16,\"group\":16,"
        + "\"calibrated\":false,\"relativeError\":0}}", "“decoder.embedding.weight.bits” is missing"),
  ]

  /// Runs the program on speech, with its address space limited.
  private func transcribe(_ model: String, in folder: TemporaryFolder) throws -> Program.Result {
    let limit = "ulimit -v \(Self.addressSpace >> 10)"
    let program = try Program.built("sotto").path
    return try Program(path: "/bin/sh").run(
      ["-c", "\(limit) && exec \"$0\" transcribe --model \"$1\" \"$2\"", program, model, Self.speech],
      folder: folder.path, timeLimit: 30)
  }

  private func expectOneLine(_ result: Program.Result, _ model: String, _ message: String) {
    #expect(result.status == 1 && result.output.isEmpty)
    let lines = result.errors.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 2 && lines.last == "", "\(result.errors)")
    #expect(result.errors.hasPrefix("sotto: \(model): "), "\(result.errors)")
    #expect(result.errors.contains(message), "\(result.errors)")
    let remedies = [
      "make the file again", "make it again", "Update sotto", "importer", "sotto models", "Give",
    ]
    #expect(remedies.contains { result.errors.contains($0) }, "no remedy: \(result.errors)")
  }

  @Test(arguments: files + tensors + configurations) func isRefused(_ bad: Case) throws {
    let folder = try TemporaryFolder()
    try folder.write("bad.safetensors", bad.make())
    expectOneLine(try transcribe("bad.safetensors", in: folder), "bad.safetensors", bad.message)
  }

  @Test func whatIsNoFileIsRefused() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder("folder"), withIntermediateDirectories: true)
    #expect(mkfifo(folder("pipe"), 0o600) == 0)
    symlink("loop", folder("loop"))
    for (model, message) in [
      ("./folder", "it is a folder"), ("./pipe", "it is not a regular file"),
      ("/dev/zero", "it is not a regular file"), ("./none", "no such model file"),
      ("none.safetensors", "no such model file"), ("./loop", "no such model file"),
    ] {
      expectOneLine(try transcribe(model, in: folder), model, message)
    }
  }

  /// Root may read everything.
  @Test(.enabled(if: getuid() != 0)) func unreadable() throws {
    let folder = try TemporaryFolder()
    try folder.write("locked.safetensors", Data(contentsOf: URL(fileURLWithPath: Sotto.model)))
    chmod(folder("locked.safetensors"), 0)
    expectOneLine(try transcribe("locked.safetensors", in: folder), "locked.safetensors", "Permission denied")
  }

  /// Odd models that can be used: they say something or nothing, and no harm is done.
  static let odd: [Case] = [
    .changed("decoder of one position", "") {
      $0.configure("\"positions\":30,\"alignmentHeads\"", "\"positions\":1,\"alignmentHeads\"")
      $0.resize("decoder.positions", [1, 16])
    },
    .changed("decoder of three positions", "") {
      $0.configure("\"positions\":30,\"alignmentHeads\"", "\"positions\":3,\"alignmentHeads\"")
      $0.resize("decoder.positions", [3, 16])
    },
    .changed("encoder of one position", "") {
      $0.configure("\"positions\":30,\"window\":0.6", "\"positions\":1,\"window\":0.02")
      $0.resize("encoder.positions", [1, 16])
    },
    .configured("\"window\":0.6", "\"window\":0", ""),
    .configured("\"window\":0.6", "\"window\":0.6,\"paddingStride\":4096", ""),
    .configured("[[0,1],[1,0]]", "[]", ""),
    .configured(
      "\"suppressed\":[", "\"suppressed\":[\((0..<86).map(String.init).joined(separator: ",")),", ""),
    .configured("\"firstTimestamp\":55", "\"firstTimestamp\":0", ""),
    .configured("\"firstTimestamp\":55", "\"firstTimestamp\":85", ""),
    .configured("\"endOfText\":50", "\"endOfText\":85", ""),
    .configured("\"noTimestamps\":54", "\"noTimestamps\":50", ""),
    .configured("\"hop\":160", "\"hop\":400", ""),
    .changed("window of 16 samples, one band", "") {
      $0.configure(
        "\"windowLength\":400,\"hop\":160,\"melBands\":80", "\"windowLength\":16,\"hop\":8,\"melBands\":1")
      $0.configure("\"window\":0.6", "\"window\":0.02")
      $0.resize("encoder.conv1.weight", [16, 1, 3])
    },
    .changed("weights of zero", "") { $0.resize("decoder.embedding.weight", [86, 16]) },
    .changed("huge weights", "") {
      $0.change("encoder.norm.weight") { $0.data = Data((0..<16).flatMap { _ in [0xFF, 0x7B] as [UInt8] }) }
    },
  ]

  @Test(arguments: odd) func oddOnesDoNoHarm(_ odd: Case) throws {
    let folder = try TemporaryFolder()
    try folder.write("odd.safetensors", odd.make())
    let result = try transcribe("odd.safetensors", in: folder)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.status) \(result.errors)")
  }
}
