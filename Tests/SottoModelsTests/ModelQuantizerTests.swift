import Foundation
import SottoKernels
import Testing

@testable import SottoModels

@Suite struct ModelQuantizerTests {
  let folder: TemporaryFolder
  /// [12, 20], smooth and without pattern.
  let embedding = (0..<240).map { index in sin(Float(index * index % 997)) + 0.5 }
  /// [8, 40].
  let linear = (0..<320).map { index in cos(Float(index * index % 1009)) }

  init() throws { folder = try TemporaryFolder() }

  /// A float model with two matrices and some tensors that are not coded.
  func floatModel() throws -> ModelFile {
    let path = "\(folder.path)/float"
    let writer = try SafetensorsWriter(
      path: path,
      tensors: [
        .init(name: "decoder.embedding.weight", elementType: .float16, shape: [12, 20]),
        .init(name: "encoder.linear.weight", elementType: .float32, shape: [8, 40]),
        .init(name: "encoder.linear.bias", elementType: .float32, shape: [2]),
        .init(name: "encoder.conv1.weight", elementType: .float16, shape: [1, 1, 3]),
        .init(name: "vocabulary.bytes", elementType: .uint8, shape: [3]),
      ], metadata: [ModelFile.configurationKey: Fixture.configuration, "note": "kept"])
    try writer.write("decoder.embedding.weight", FloatConversion.float16(from: embedding))
    try writer.write("encoder.linear.weight", linear)
    try writer.write("encoder.linear.bias", [0.5, -3] as [Float])
    try writer.write("encoder.conv1.weight", [1, 2, 3] as [Float16])
    try writer.write("vocabulary.bytes", [9, 8, 7] as [UInt8])
    try writer.finish()
    return try ModelFile(path: path)
  }

  func recipe(_ json: String) throws -> QuantizationRecipe {
    try QuantizationRecipe(path: folder.file("recipe.json", Array(json.utf8)))
  }

  /// A coded matrix is coded anew from what it stands for; one without a rule stays as it is, bit for bit.
  @Test func codedAnew() throws {
    let first = "\(folder.path)/first"
    _ = try ModelQuantizer.quantize(
      input: floatModel(), output: first,
      recipe: try recipe(
        """
        [{"pattern": "encoder.linear.weight", "bits": 4, "group": 16},
         {"pattern": "*.weight", "bits": 3, "center_columns": true}]
        """))
    let again = try recipe(#"[{"pattern": "encoder.linear.weight", "bits": 2}]"#)
    let path = "\(folder.path)/again"
    let coded = try ModelFile(path: first)
    #expect(throws: ModelError.self) {
      try ModelQuantizer.quantize(input: coded, output: path, recipe: again)
    }
    _ = try ModelQuantizer.quantize(input: coded, output: path, recipe: again, recodes: true)
    let model = try ModelFile(path: path)
    let name = "decoder.embedding.weight"
    let before = try coded.codedTensor(name, outputs: 12, inputs: 20).decoded()
    #expect(try model.codedTensor(name, outputs: 12, inputs: 20).decoded().elements == before.elements)
    #expect(try model.floats("encoder.linear.bias", shape: [2]) == [0.5, -3])
    let weights = try coded.codedTensor("encoder.linear.weight", outputs: 8, inputs: 40).decoded()
    let rows = try model.codedTensor("encoder.linear.weight", outputs: 8, inputs: 40)
    var expected = QuantizationSettings(planes: 2)
    expected.group = nil
    #expect(rows.segments.map(\.planes) == [2])
    #expect(try rows.decoded().elements == Quantizer.quantize(weights, expected).decoded().elements)
  }

  /// A convolution is coded as the matrix whose columns follow the frames; positions that the encoder computes itself are left out.
  @Test func convolutionsAndSinusoids() throws {
    let sinusoids = sinusoidalPositions(count: 20, width: 8)
    for change: Float in [0, 0.1] {
      let path = "\(folder.path)/convolution"
      let writer = try SafetensorsWriter(
        path: path,
        tensors: [
          .init(name: "encoder.conv1.weight", elementType: .float32, shape: [2, 4, 3]),
          .init(name: "encoder.positions", elementType: .float16, shape: [20, 8]),
        ], metadata: [ModelFile.configurationKey: Fixture.configuration])
      let stored = (0..<24).map { Float($0 * $0 % 17) }
      try writer.write("encoder.conv1.weight", stored)
      try writer.write(
        "encoder.positions", FloatConversion.float16(from: sinusoids.elements.map { $0 + change }))
      try writer.finish()
      let output = "\(folder.path)/out"
      _ = try ModelQuantizer.quantize(
        input: ModelFile(path: path), output: output,
        recipe: try recipe(#"[{"pattern": "encoder.conv?.weight", "bits": 8}]"#))
      let model = try ModelFile(path: output)
      let coded = try model.codedTensor("encoder.conv1.weight", outputs: 2, inputs: 12).decoded()
      for row in 0..<2 {
        for frame in 0..<3 {
          for input in 0..<4 {
            #expect(abs(coded.row(row)[frame * 4 + input] - stored[(row * 4 + input) * 3 + frame]) < 0.5)
          }
        }
      }
      #expect(model.contains("encoder.positions") == (change != 0))
    }
  }

  @Test func codedModelReadsBack() throws {
    let input = try floatModel()
    _ = try folder.file("counts", Array((0..<12).map { "\($0 % 5)\n" }.joined().utf8))
    let recipe = try recipe(
      """
      [{"pattern": "*.embed?ing.weight", "bits": 1, "group": "row", "center_columns": true, "scale_columns": true,
        "counts": "counts", "bits_by_frequency": [{"rows": 4, "bits": 8}, {"rows": null, "bits": 3}]},
       {"pattern": "encoder.*", "bits": 4, "group": 16}]
      """)
    let path = "\(folder.path)/coded"
    let report = try ModelQuantizer.quantize(input: input, output: path, recipe: recipe)
    let model = try ModelFile(path: path)
    #expect(model.metadata["note"] == "kept" && model.byteCount == report.outputByteCount)
    #expect(try model.floats("encoder.linear.bias", shape: [2]) == [0.5, -3])
    #expect(model.isCoded("encoder.conv1.weight"))
    #expect(try model.tensor("vocabulary.bytes", shape: [3], type: .uint8).count == 3)
    #expect(!model.isCoded("encoder.linear.bias") && !model.contains("encoder.linear.weight"))

    let rows = try model.codedTensor("encoder.linear.weight", outputs: 8, inputs: 40)
    #expect(rows.segments.map(\.planes) == [4] && rows.segments[0].group == 16)
    let error = CodingError(of: rows, against: Matrix(rows: 8, columns: 40, elements: linear)).relative
    let entry = try #require(report.entries.first { $0.name == "encoder.linear.weight" })
    #expect(error < 0.1 && abs(entry.relativeError - error) < 1e-6)
    #expect(model.configuration.quantization["encoder.linear.weight"]?.relativeError == entry.relativeError)
    #expect(entry.bitsPerWeight == 4 + 4 * 3 * 16 / 40.0)

    // Counts i mod 5: the most frequent rows are 4 and 9 (count 4), then 3 and 8.
    let words = try model.codedTensor("decoder.embedding.weight", outputs: 12, inputs: 20)
    #expect(words.segments.map(\.planes) == [8, 3])
    #expect(words.order == [3, 4, 8, 9, 0, 1, 2, 5, 6, 7, 10, 11])
    for row in 0..<12 {
      let difference = zip(words.decodeRow(row), embedding[(row * 20)...]).map { abs($0 - $1) }.max() ?? 1
      #expect(difference < ([3, 4, 8, 9].contains(row) ? 0.02 : 0.7))
    }
    #expect(throws: ModelError.self) {
      try model.codedTensor("encoder.linear.weight", outputs: 8, inputs: 48)
    }
    #expect(throws: ModelError.self) { try model.codedTensor("encoder.conv1.weight", outputs: 1, inputs: 6) }
    #expect(throws: ModelError.self) {
      try ModelQuantizer.quantize(input: model, output: path, recipe: recipe)
    }
  }

  @Test func momentsAreUsedAndNoted() throws {
    let input = try floatModel()
    var inputs = Matrix(rows: 40, columns: 40)
    for row in 0..<40 { for column in 0..<40 { inputs[row, column] = row == column ? 1.1 : 1 } }
    let path = "\(folder.path)/coded"
    let recipe = QuantizationRecipe(bits: 2, group: .row)
    func outputError(_ moments: [String: Matrix]) throws -> Double {
      _ = try ModelQuantizer.quantize(input: input, output: path, recipe: recipe, moments: moments)
      let rows = try ModelFile(path: path).codedTensor("encoder.linear.weight", outputs: 8, inputs: 40)
      let weights = Matrix(rows: 8, columns: 40, elements: linear)
      return try #require(CodingError(of: rows, against: weights, moments: inputs).output)
    }
    let before = try outputError([:])
    #expect(try ModelFile(path: path).configuration.quantization.values.allSatisfy { !$0.calibrated })
    let after = try outputError(["encoder.linear.weight": inputs])
    #expect(after < 0.8 * before)
    let codings = try ModelFile(path: path).configuration.quantization
    #expect(codings["encoder.linear.weight"]?.calibrated == true)
    #expect(codings["decoder.embedding.weight"]?.calibrated == false)
  }

  @Test(arguments: [
    ("nonsense", "not a JSON list"), (#"{"pattern": "*", "bits": 4}"#, "not a JSON list"),
    (#"[{"bits": 4}]"#, "“pattern” is missing in rule 1"),
    (#"[{"pattern": "*", "bits": 4}, {"pattern": "*", "bits": "4"}]"#, "“bits” in rule 2"),
    (#"[{"pattern": "*", "bits": 4, "group": 12}]"#, "“group” in rule 1"),
    (#"[{"pattern": "*", "bits": 9}]"#, "9 bits"), (#"[{"pattern": "none.*", "bits": 4}]"#, "“none.*”"),
    (#"[{"pattern": "*", "bits": 16}]"#, "no matrix"),
    (#"[{"pattern": "*", "bits": 4, "bits_by_frequency": [{"rows": 4, "bits": 8}]}]"#, "bits_by_frequency"),
    (#"[{"pattern": "*", "bits": 4, "counts": "missing"}]"#, "missing: cannot read the counts"),
    (
      #"[{"pattern": "*", "bits": 4, "counts": "recipe.json", "bits_by_frequency": [{"bits": 8}]}]"#,
      "line 1 is not a number"
    ),
  ]) func badRecipesAreRefused(_ json: String, _ message: String) throws {
    let input = try floatModel()
    let error = #expect(throws: ModelError.self) {
      try ModelQuantizer.quantize(input: input, output: "\(folder.path)/out", recipe: try recipe(json))
    }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    #expect(!folder.contents.contains("out"))
  }

  @Test func patternsMatch() {
    for (pattern, name, expected) in [
      ("*", "", true), ("a*c", "abcbc", true), ("a*c", "abcb", false), ("?", "é", true), ("?", "", false),
      ("*.weight", "a.b.weight", true), ("*a*b*", "xxaxxbxx", true), ("*a*b", "ba", false),
      ("a", "ab", false),
    ] {
      #expect(matches(name, pattern: pattern) == expected, "\(name) \(pattern)")
    }
  }
}
