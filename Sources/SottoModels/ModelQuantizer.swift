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
  ///   - threads: 0 for one a core; the file does not depend on it.
  /// - Throws: `ModelError`.
  public static func quantize(
    input: ModelFile, output: String, recipe: QuantizationRecipe, moments: [String: Matrix] = [:],
    threads: Int = 0, progress: Progress = { _, _, _ in }
  ) throws -> QuantizationReport {
    guard input.configuration.quantization.isEmpty else {
      throw ModelError.quantization(reason: "\(input.path) is quantized already; start from the float model")
    }
    try recipe.check()
    if recipe.needsAllRules {
      for rule in recipe.rules
      where !input.tensorNames.contains(where: { matches($0, pattern: rule.pattern) }) {
        throw ModelError.quantization(reason: "no tensor of \(input.path) is named “\(rule.pattern)”")
      }
    }
    let coded = try input.tensorNames.filter { try rule(for: input.tensor($0), recipe) != nil }
    if coded.isEmpty {
      throw ModelError.quantization(reason: "no matrix of \(input.path) is matched by a rule")
    }

    var report = QuantizationReport()
    var configuration = input.configuration
    var parts: [CodedTensorParts] = []
    for (index, name) in coded.enumerated() {
      progress(name, index, coded.count)
      let tensor = try input.tensor(name)
      guard let rule = rule(for: tensor, recipe) else { continue }
      let result = try code(tensor, of: input, rule, recipe, moments: moments[name], threads: threads)
      report.entries.append(result.entry)
      configuration.quantization[name] = result.coding
      parts.append(CodedTensorParts(name: name, rows: result.rows))
    }

    let others = try input.tensorNames.filter { configuration.quantization[$0] == nil }.map(input.tensor)
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

  /// The rule by which a tensor is coded; nil where it is not.
  private static func rule(for tensor: Tensor, _ recipe: QuantizationRecipe) -> QuantizationRecipe.Rule? {
    guard tensor.shape.count == 2, tensor.count > 0, tensor.elementType.isFloat,
      let rule = recipe.rule(for: tensor.name), rule.bits != QuantizationRecipe.unquantized
    else { return nil }
    return rule
  }

  private static func code(
    _ tensor: Tensor, of input: ModelFile, _ rule: QuantizationRecipe.Rule, _ recipe: QuantizationRecipe,
    moments: Matrix?, threads: Int
  ) throws -> (
    rows: BinaryCodedRows, entry: QuantizationReport.Entry, coding: ModelConfiguration.TensorCoding
  ) {
    let (outputs, inputs) = (tensor.shape[0], tensor.shape[1])
    let weights = Matrix(rows: outputs, columns: inputs, elements: try input.floats(tensor))
    var settings = QuantizationSettings(planes: rule.bits)
    if case .inputs(let count) = rule.group { settings.group = count }
    settings.centersColumns = rule.centersColumns ?? false
    settings.scalesColumns = rule.scalesColumns ?? false
    settings.moments = moments
    settings.damping = rule.damping ?? settings.damping
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
