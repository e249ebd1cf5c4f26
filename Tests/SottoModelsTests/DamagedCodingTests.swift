import Foundation
import Testing

@testable import SottoModels

/// Coded tensors that do not fit their configuration.
@Suite struct DamagedCodingTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A model with the matrix `w` of 3 rows and 12 inputs, in two segments of 1 and 2 planes.
  func model(
    coding: String =
      #"{"planes":[1,2],"rows":[2,1],"inputs":12,"group":8,"calibrated":false,"relativeError":0}"#,
    bits: [Int] = [1, 2, 2], rows: [UInt32] = [2, 0, 1], scale: Float16 = 1, dropping: String = ""
  ) throws -> String {
    var tensors: [(SafetensorsWriter.Declaration, [UInt8])] = []
    func add(_ name: String, _ type: ElementType, _ shape: [Int], _ bytes: [UInt8]? = nil) {
      let count = shape.reduce(type.size, *)
      let declaration = SafetensorsWriter.Declaration(name: name, elementType: type, shape: shape)
      if name != dropping { tensors.append((declaration, bytes ?? [UInt8](repeating: 0, count: count))) }
    }
    let scales = { (count: Int) in
      [Float16](repeating: scale, count: count).withUnsafeBytes { Array($0) }
    }
    add("w.0.bits", .uint8, bits)
    add("w.0.scale", .float16, [2, 2, 1], scales(4))
    add("w.1.bits", .uint8, [2, 1, 2])
    add("w.1.scale", .float16, [1, 2, 2], scales(4))
    add("w.rows", .uint32, [rows.count], rows.withUnsafeBytes { Array($0) })
    let configuration = Fixture.configuration.replacingOccurrences(
      of: "{\"format\":1", with: "{\"quantization\":{\"w\":\(coding)},\"format\":1")
    let path = "\(folder.path)/model"
    let writer = try SafetensorsWriter(
      path: path, tensors: tensors.map(\.0), metadata: [ModelFile.configurationKey: configuration])
    for (declaration, bytes) in tensors { try writer.write(declaration.name, bytes) }
    try writer.finish()
    return path
  }

  func read(_ path: String) throws -> [[Float]] {
    let rows = try ModelFile(path: path).codedTensor("w", outputs: 3, inputs: 12)
    return (0..<3).map { rows.decodeRow($0) }
  }

  @Test func wholeOneIsRead() throws {
    // All bits clear: each plane gives -1.
    let rows = try read(model())
    #expect(rows == [-1, -2, -1].map { [Float](repeating: $0, count: 12) })
  }

  @Test func damagedOnesAreRefused() throws {
    func coding(_ planes: String, _ rows: String, _ inputs: Int, _ group: Int) -> String {
      #"{"planes":\#(planes),"rows":\#(rows),"inputs":\#(inputs),"group":\#(group),"calibrated":false,"relativeError":0}"#
    }
    let cases: [(() throws -> String, String)] = [
      ({ try model(bits: [1, 2, 3]) }, "“w.0.bits”: its shape is [1, 2, 3]; [1, 2, 2] is needed"),
      ({ try model(scale: .infinity) }, "“w.0.scale”: it holds values that are not finite"),
      ({ try model(rows: [2, 2, 0]) }, "“w”: an order of rows that names row 2 twice"),
      (
        { try model(rows: [2, 3, 0]) },
        "“w”: an order of rows that names row 3 twice, or a row that is not there"
      ),
      ({ try model(rows: [2, 0]) }, "“w.rows”: its shape is [2]"),
      ({ try model(dropping: "w.rows") }, "“w.rows” is missing"),
      ({ try model(dropping: "w.1.scale") }, "“w.1.scale” is missing"),
      (
        { try model(coding: coding("[1,2]", "[2,1]", 16, 8)) },
        "“w”: its coding is of 3 × 16; 3 × 12 is needed"
      ),
      ({ try model(coding: coding("[1,2]", "[2,2]", 12, 8)) }, "“w”: its coding is of 4 × 12"),
      ({ try model(coding: coding("[1,2]", "[2,1]", 12, 7)) }, "“w”: groups of 7"),
      ({ try model(coding: coding("[1,2]", "[2,1]", 12, 0)) }, "coding of the tensor “w”"),
      ({ try model(coding: coding("[1,9]", "[2,1]", 12, 8)) }, "coding of the tensor “w”"),
      ({ try model(coding: coding("[1]", "[2,1]", 12, 8)) }, "coding of the tensor “w”"),
      ({ try model(coding: coding("[]", "[]", 12, 8)) }, "coding of the tensor “w”"),
      ({ try model(coding: coding("[1,2]", "[2,-1]", 12, 8)) }, "coding of the tensor “w”"),
    ]
    for (make, message) in cases {
      let path = try make()
      let error = #expect(throws: ModelError.self) { try read(path) }
      #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }
  }

  @Test func survivesAnyByte() throws {
    var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: model())))
    for _ in 0..<200 {
      let position = Int.random(in: 0..<bytes.count)
      let kept = bytes[position]
      bytes[position] = UInt8.random(in: 0...255)
      do {
        let rows = try read(folder.file("mutated", bytes))
        #expect(rows.allSatisfy { $0.count == 12 && $0.allSatisfy(\.isFinite) }, "byte \(position)")
      } catch is ModelError {}
      bytes[position] = kept
    }
  }
}
