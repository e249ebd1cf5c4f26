// Predictor and joiner against PyTorch, and the file that a transducer stands on.

import Foundation
import SottoKernels
import SottoTestSupport
import Testing

@testable import SottoModels

@Suite struct TransducerTests {
  private static let path = TestSignal.goldenPath("random-rnnt.safetensors")
  private static let text = [2, 0, 0, 18, 6]

  private static func scores(_ file: ModelFile, share: Float = 1) throws -> [Float] {
    let context = ComputeContext()
    let rows = try GoldenStream.rows(file)
    let model = try Transducer(file)
    var prefixes = [model.start(context)]
    for piece in text { prefixes.append(model.extended(prefixes[prefixes.count - 1], by: piece, context)) }
    var result: [Float] = []
    var block = Matrix(rows: 0, columns: 0)
    for (row, onsets) in rows.onsets.enumerated() {
      model.score(
        rows.heard.rows(row..<(row + 1)), onsets: onsets, after: prefixes, share: share, into: &block, context
      )
      result += block.elements
    }
    return result
  }

  @Test func scoresEqualPyTorch() throws {
    let golden = try TestSignal.values("random-rnnt-scores.f32")
    let scores = try Self.scores(ModelFile(path: Self.path))
    #expect(golden.count == 25 * 6 * 20 && scores.count == golden.count)
    #expect(zip(scores, golden).allSatisfy { abs($0 - $1) < 2e-4 })
  }

  /// Without its joiner it is CTC; with a half of it, between both, up to what a row has in common.
  @Test func theJoinerCountsByItsShare() throws {
    let file = try ModelFile(path: Self.path)
    let onsets = try GoldenStream.rows(file).onsets
    let (none, half, all) = (
      try Self.scores(file, share: 0), try Self.scores(file, share: 0.5), try Self.scores(file)
    )
    let classes = onsets[0].count
    for row in 0..<(all.count / classes) {
      let own = (row * classes)..<((row + 1) * classes)
      let onsets = onsets[row / (Self.text.count + 1)]
      let sum = onsets.reduce(0) { $0 + exp($1) }
      #expect(zip(none[own], onsets).allSatisfy { abs($0 - ($1 - log(sum))) < 1e-4 })
      let common = own.map { half[$0] - (none[$0] + all[$0]) / 2 }
      #expect((common.max() ?? 0) - (common.min() ?? 0) < 1e-4)
    }
  }

  /// A copy of the two files, which tests may spoil.
  private static func copy() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for name in ["random-rnnt.safetensors", "random-stream.safetensors"] {
      try FileManager.default.copyItem(
        atPath: TestSignal.goldenPath(name), toPath: "\(folder.path)/\(name)")
    }
    return folder
  }

  @Test func codedModelIsClose() throws {
    let folder = try Self.copy()
    let coded = "\(folder.path)/coded.safetensors"
    let report = try ModelQuantizer.quantize(
      input: ModelFile(path: "\(folder.path)/random-rnnt.safetensors"), output: coded,
      recipe: QuantizationRecipe(bits: 8, group: .inputs(16)))
    #expect(report.entries.count == 6)
    let golden = try TestSignal.values("random-rnnt-scores.f32")
    #expect(zip(try Self.scores(ModelFile(path: coded)), golden).allSatisfy { abs($0 - $1) < 0.15 })
  }

  @Test func aBaseThatIsNotThere() throws {
    let folder = try Self.copy()
    let path = "\(folder.path)/random-rnnt.safetensors"
    try FileManager.default.removeItem(atPath: "\(folder.path)/random-stream.safetensors")
    let error = #expect(throws: ModelError.self) { try ModelFile(path: path).base() }
    #expect(
      error?.description == """
        \(path): its encoder is in another model file, \(folder.path)/random-stream.safetensors, which cannot be read: \
        No such file or directory. Put that model into the same folder.
        """)
  }

  @Test func anotherBase() throws {
    let folder = try Self.copy()
    let (path, base) = ("\(folder.path)/random-rnnt.safetensors", "\(folder.path)/random-stream.safetensors")
    let file = try ModelFile(path: path)
    let whole = try Data(contentsOf: URL(fileURLWithPath: base))
    var bytes = whole
    // The last weight's last bit.
    bytes[bytes.count - 1] ^= 1
    try bytes.write(to: URL(fileURLWithPath: base))
    let error = #expect(throws: ModelError.self) { try file.base() }
    #expect(error?.description.contains("is not the model that it was trained on: its weights have") == true)
    try whole.prefix(whole.count - 8).write(to: URL(fileURLWithPath: base))
    #expect(throws: ModelError.self) { try file.base() }
    // A model cannot stand on itself, nor on one that is not of the family ctc.
    try FileManager.default.removeItem(atPath: base)
    try FileManager.default.copyItem(atPath: path, toPath: base)
    let itself = #expect(throws: ModelError.self) { try file.base() }
    #expect(itself?.description.contains("it is of the family rnnt, not ctc") == true)
    #expect(throws: ModelError.self) { try CTCModel(file) }
    let plain = try ModelFile(path: TestSignal.goldenPath("random-stream.safetensors"))
    #expect(throws: ModelError.self) { try plain.base() }
  }

  private static let decoders = [
    "\"rnnt\"": #""transducer":{"embedding":4,"predictor":4,"inner":4},"#,
    "\"mocha\"": #""mocha":{"embedding":4,"predictor":4,"inner":4,"energy":4,"window":4},"#,
  ]

  @Test(arguments: ["", "..", "a/b.safetensors", "/etc/passwd"], ["\"rnnt\"", "\"mocha\""])
  func basesElsewhere(name: String, family: String) throws {
    let folder = try TemporaryFolder()
    let configuration = Fixture.streaming.replacingOccurrences(of: "\"ctc\"", with: family)
      .replacingOccurrences(
        of: "\"vocabulary\"",
        with:
          "\"base\":{\"file\":\"\(name)\",\"fingerprint\":\"0\"},\(Self.decoders[family] ?? "")\"vocabulary\""
      )
    let path = try folder.file("m.safetensors", Fixture.model("", configuration: configuration))
    let error = #expect(throws: ModelError.self) { try ModelFile(path: path) }
    #expect(error?.description.contains("which is no name of a file") == true)
  }
}
