// Makes a quantized model file from a float one.

import SottoKernels

public enum ModelQuantizer {
  /// Called before each tensor that is coded: its name, its number from 0, and how many there are.
  public typealias Progress = (_ name: String, _ index: Int, _ count: Int) -> Void

  /// Codes a model's matrices as the recipe says, and writes all tensors to a new file, whole or not at all.
  ///
  /// - Parameters:
  ///   - moments: second moments [inputs, inputs] of the inputs of each coded tensor, by its name; tensors without
  ///     are coded by their weights alone.
  ///   - recodes: whether matrices that are coded already are coded anew, from what they stand for; what was lost stays lost.
  ///   - threads: 0 for one a core; the file does not depend on it.
  /// - Throws: `ModelError`.
  public static func quantize(
    input: ModelFile, output: String, recipe: QuantizationRecipe, moments: [String: Matrix] = [:],
    recodes: Bool = false, threads: Int = 0, progress: Progress = { _, _, _ in }
  ) throws -> QuantizationReport {
    guard recodes || input.configuration.quantization.isEmpty else {
      throw ModelError.quantization(reason: "\(input.path) is quantized already; start from the float model")
    }
    try recipe.check()
    let (matrices, plain) = try contents(of: input)
    if recipe.needsAllRules {
      let names = matrices.map(\.name) + plain.map(\.name)
      for rule in recipe.rules where !names.contains(where: { matches($0, pattern: rule.pattern) }) {
        throw ModelError.quantization(reason: "no tensor of \(input.path) is named “\(rule.pattern)”")
      }
    }
    let coded = matrices.filter { rule(for: $0, recipe) != nil }
    if coded.isEmpty {
      throw ModelError.quantization(reason: "no matrix of \(input.path) is matched by a rule")
    }

    var report = QuantizationReport()
    var configuration = input.configuration
    var parts: [CodedTensorParts] = []
    for (index, matrix) in coded.enumerated() {
      progress(matrix.name, index, coded.count)
      guard let rule = rule(for: matrix, recipe) else { continue }
      let result = try code(matrix, of: input, rule, recipe, moments: moments[matrix.name], threads: threads)
      report.entries.append(result.entry)
      configuration.quantization[matrix.name] = result.coding
      parts.append(CodedTensorParts(name: matrix.name, rows: result.rows))
    }
    // Coded already, and without a rule: as it is.
    for matrix in matrices where input.isCoded(matrix.name) && rule(for: matrix, recipe) == nil {
      parts.append(
        CodedTensorParts(
          name: matrix.name,
          rows: try input.codedTensor(matrix.name, outputs: matrix.outputs, inputs: matrix.inputs)))
    }

    let others = try plain.filter {
      try configuration.quantization[$0.name] == nil && !isComputed($0, of: input)
    }
    var metadata = input.metadata
    metadata[ModelFile.configurationKey] = try configuration.json()
    let writer = try SafetensorsWriter(
      path: output, tensors: parts.flatMap(\.declarations) + others.map(declaration), metadata: metadata)
    for part in parts { try part.write(to: writer) }
    for tensor in others {
      try copy(tensor, of: input, to: writer)
      if tensor.isWeights { report.uncodedCount += tensor.count }
    }
    try writer.finish()
    report.inputByteCount = input.byteCount
    report.outputByteCount = writer.byteCount
    return report
  }

  /// What a rule may apply to: a matrix, or a convolution [outputs, inputs, 3], which is coded as the matrix that `Convolution` makes of it.
  private struct CodableMatrix {
    var name: String
    var outputs: Int
    var inputs: Int
    var isConvolution = false
  }

  /// The matrices of floats or in binary coding, and all tensors that are no part of a coding.
  private static func contents(of input: ModelFile) throws -> (matrices: [CodableMatrix], plain: [Tensor]) {
    var matrices: [CodableMatrix] = []
    var plain: [Tensor] = []
    var seen: Set<String> = []
    for name in input.tensorNames {
      if let whole = codedName(of: name, in: input) {
        guard seen.insert(whole).inserted, let coding = input.configuration.quantization[whole] else {
          continue
        }
        matrices.append(
          CodableMatrix(name: whole, outputs: coding.rows.reduce(0, +), inputs: coding.inputs))
      } else {
        let tensor = try input.tensor(name)
        plain.append(tensor)
        guard tensor.count > 0, tensor.elementType.isFloat else { continue }
        if tensor.shape.count == 2 {
          matrices.append(CodableMatrix(name: name, outputs: tensor.shape[0], inputs: tensor.shape[1]))
        } else if tensor.shape.count == 3, tensor.shape[2] == Convolution.width {
          matrices.append(
            CodableMatrix(
              name: name, outputs: tensor.shape[0], inputs: Convolution.width * tensor.shape[1],
              isConvolution: true))
        }
      }
    }
    return (matrices, plain)
  }

  /// The matrix whose coding a tensor is a part of: NAME of `NAME.bits`, `NAME.0.scale` and so on.
  private static func codedName(of name: String, in input: ModelFile) -> String? {
    var name = name[...]
    while let dot = name.lastIndex(of: ".") {
      name = name[..<dot]
      if input.isCoded(String(name)) { return String(name) }
    }
    return nil
  }

  /// The rule by which a matrix is coded; nil where it is not.
  private static func rule(for matrix: CodableMatrix, _ recipe: QuantizationRecipe) -> QuantizationRecipe
    .Rule?
  {
    guard let rule = recipe.rule(for: matrix.name), rule.bits != QuantizationRecipe.unquantized else {
      return nil
    }
    return rule
  }

  private static func code(
    _ tensor: CodableMatrix, of input: ModelFile, _ rule: QuantizationRecipe.Rule,
    _ recipe: QuantizationRecipe,
    moments: Matrix?, threads: Int
  ) throws -> (
    rows: BinaryCodedRows, entry: QuantizationReport.Entry, coding: ModelConfiguration.TensorCoding
  ) {
    let (outputs, inputs) = (tensor.outputs, tensor.inputs)
    let weights =
      if input.isCoded(tensor.name) {
        try input.codedTensor(tensor.name, outputs: outputs, inputs: inputs).decoded()
      } else {
        Matrix(rows: outputs, columns: inputs, elements: try elements(of: tensor, in: input))
      }
    var settings = QuantizationSettings(planes: rule.bits)
    if case .inputs(let count) = rule.group { settings.group = count }
    settings.centersColumns = rule.centersColumns ?? false
    settings.scalesColumns = rule.scalesColumns ?? false
    settings.moments = moments
    settings.damping = rule.damping ?? settings.damping
    settings.restoration = rule.restoration ?? settings.restoration
    settings.threads = threads
    if let classes = rule.bitsByFrequency {
      settings.segments = try segments(
        classes, outputs: outputs, name: tensor.name, counts: rule.counts, recipe)
    }
    do {
      let rows = try Quantizer.quantize(weights, settings)
      let error = CodingError(of: rows, against: weights, moments: moments, threads: threads)
      let entry = QuantizationReport.Entry(
        name: tensor.name, outputs: outputs, inputs: inputs, planes: rows.segments.map(\.planes),
        rows: rows.segments.map(\.outputs), bitsPerWeight: rows.bitsPerWeight, relativeError: error.relative,
        outputError: error.output)
      let coding = ModelConfiguration.TensorCoding(
        planes: entry.planes, rows: entry.rows, inputs: inputs, group: rows.segments[0].group,
        calibrated: moments != nil, relativeError: error.relative)
      return (rows, entry, coding)
    } catch let error as BinaryCodingError {
      throw ModelError.tensor(path: input.path, name: tensor.name, reason: error.description)
    }
  }

  /// Rows by falling count, cut into the classes of the rule.
  private static func segments(
    _ classes: [QuantizationRecipe.FrequencyClass], outputs: Int, name: String, counts: String?,
    _ recipe: QuantizationRecipe
  ) throws -> [QuantizationSettings.Segment] {
    var order = (0..<UInt32(outputs)).map { $0 }
    if let counts {
      guard let values = recipe.counts[counts], values.count == outputs else {
        throw ModelError.quantization(
          reason:
            "“\(counts)” has \(recipe.counts[counts]?.count ?? 0) counts for the \(outputs) rows of “\(name)”"
        )
      }
      order.sort { (values[Int($1)], $0) < (values[Int($0)], $1) }
    }
    var segments: [QuantizationSettings.Segment] = []
    for item in classes where !order.isEmpty {
      let count = min(item.rows ?? order.count, order.count)
      // Ascending inside a segment: neighbours in the vocabulary stay neighbours in memory.
      segments.append(.init(planes: item.bits, rows: order.prefix(count).sorted()))
      order.removeFirst(count)
    }
    return segments
  }

  private static func elements(of matrix: CodableMatrix, in input: ModelFile) throws -> [Float] {
    let stored = try input.floats(input.tensor(matrix.name))
    return matrix.isConvolution
      ? Convolution.byFrame(stored, inputs: matrix.inputs / Convolution.width) : stored
  }

  /// Whether a tensor holds the positions that the encoder takes where a file has none, but for the rounding to float16.
  private static func isComputed(_ tensor: Tensor, of input: ModelFile) throws -> Bool {
    guard tensor.name == AudioEncoder.positionsName, tensor.shape.count == 2 else { return false }
    let expected = sinusoidalPositions(count: tensor.shape[0], width: tensor.shape[1] & ~1)
    let stored = try input.floats(tensor)
    return stored.count == expected.elements.count
      && zip(stored, expected.elements).allSatisfy { abs($0 - $1) < 1e-3 }
  }

  private static func declaration(of tensor: Tensor) -> SafetensorsWriter.Declaration {
    .init(
      name: tensor.name, elementType: tensor.isWeights ? .float16 : tensor.elementType, shape: tensor.shape)
  }

  private static func copy(_ tensor: Tensor, of input: ModelFile, to writer: SafetensorsWriter) throws {
    guard tensor.isWeights else {
      return try tensor.withUnsafeBytes { try writer.write(tensor.name, bytes: $0) }
    }
    let values = try input.floats(tensor)
    guard values.allSatisfy({ abs($0) <= Float(Float16.greatestFiniteMagnitude) }) else {
      throw input.error(tensor, "it holds values beyond the range of float16")
    }
    try writer.write(tensor.name, FloatConversion.float16(from: values))
  }
}

extension ElementType {
  /// Whether `ModelFile.floats` reads it.
  var isFloat: Bool { self == .float16 || self == .bfloat16 || self == .float32 }
}

extension Tensor {
  /// Whether its numbers are the network's; what belongs to the vocabulary stays as it is.
  fileprivate var isWeights: Bool { elementType.isFloat && !name.hasPrefix("vocabulary.") }
}
