import Foundation
import SottoKernels
import Testing

@testable import SottoModels

@Suite struct ModelFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func readsAFileWrittenByPython() throws {
    let file = try ModelFile(path: folder.file("golden", Fixture.golden))
    #expect(file.tensorNames == ["a.half", "b.float", "c.bytes", "d.offsets", "e.empty"])
    #expect(file.metadata == ["note": "by Python"])
    #expect(file.configuration.vocabulary.size == 12 && file.configuration.quantization.isEmpty)
    #expect(try file.floats("a.half", shape: [2, 3]) == [1, -2.5, 0x1p-14, 0x1p-24, 65504, 0])
    #expect(try file.floats("b.float", shape: [2]) == [0.1, -3e38])
    #expect(
      try file.tensor("c.bytes", shape: [5], type: .uint8).withUnsafeBytes { Array($0) } == [0, 1, 2, 3, 4])
    #expect(try file.floats("e.empty", shape: [0, 3]).isEmpty)
    #expect(throws: ModelError.missingTensor(path: file.path, name: "none")) { try file.tensor("none") }
    for (name, shape) in [("a.half", [3, 2]), ("c.bytes", [5])] {
      let error = #expect(throws: ModelError.self) { try file.floats(name, shape: shape) }
      #expect(error?.description.contains("“\(name)”") == true)
    }
  }

  @Test func tensorsOutliveTheFileObject() throws {
    let tensor = try ModelFile(path: folder.file("golden", Fixture.golden)).tensor("c.bytes")
    #expect(tensor.withUnsafeBytes { Array($0) } == [0, 1, 2, 3, 4])
  }

  @Test func writesWhatItReads() throws {
    let path = "\(folder.path)/out"
    let tensors: [SafetensorsWriter.Declaration] = [
      .init(name: "bytes", elementType: .uint8, shape: [3]),
      .init(name: "quote\"é", elementType: .float32, shape: [2, 1]),
      .init(name: "half", elementType: .float16, shape: []),
    ]
    let writer = try SafetensorsWriter(
      path: path, tensors: tensors, metadata: [ModelFile.configurationKey: Fixture.configuration])
    try writer.write("bytes", [1, 2, 3] as [UInt8])
    try writer.write("half", [1.5] as [Float16])
    #expect(throws: ModelError.self) { try writer.write("half", [1, 2] as [Float16]) }
    #expect(throws: ModelError.self) { try writer.finish() }
    try writer.write("quote\"é", [0.25, -1] as [Float])
    #expect(!FileManager.default.fileExists(atPath: path))
    try writer.finish()
    #expect(folder.contents == ["out"])

    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(bytes.count == writer.byteCount && (Int(bytes[0]) + 256 * Int(bytes[1]) + 8) % 64 == 0)
    let file = try ModelFile(path: path)
    #expect(try file.floats("quote\"é", shape: [2, 1]) == [0.25, -1])
    #expect(try file.floats("half", shape: []) == [1.5])
    #expect(try file.tensor("bytes").withUnsafeBytes { Array($0) } == [1, 2, 3])
  }

  @Test func leavesNothingOfAnUnfinishedFile() throws {
    let path = try folder.file("out", [7])
    do { _ = try SafetensorsWriter(path: path, tensors: []) }
    #expect(folder.contents == ["out"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([7]))
    #expect(throws: ModelError.self) { try SafetensorsWriter(path: "\(folder.path)/none/out", tensors: []) }
    #expect(throws: ModelError.self) { try SafetensorsWriter(path: folder.path, tensors: []) }
  }

  @Test func convertsEveryHalf() throws {
    let halves = (0...UInt16.max).map { $0 }
    let values = halves.withUnsafeBytes { FloatConversion.floats(fromFloat16: $0) }
    #expect(values.count == 65536)
    let wrong = zip(halves, values).filter { half, value in
      let expected = Float(Float16(bitPattern: half))
      return expected.isNaN ? !value.isNaN : value.bitPattern != expected.bitPattern
    }
    #expect(wrong.isEmpty)
    #expect(!FloatConversion.allFinite(values))
    #expect(!FloatConversion.allFinite([Float](repeating: 0, count: 20) + [.nan]))
    #expect(!FloatConversion.allFinite([-.infinity] + [Float](repeating: 0, count: 20)))
    #expect(FloatConversion.allFinite([.greatestFiniteMagnitude] + [Float](repeating: -1, count: 20)))
  }
}
