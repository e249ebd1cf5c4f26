// Matrices in binary coding inside a model file.
//
// NAME.bits U8 [planes, outputs, ceil(inputs / 8)] and NAME.scale F16 [outputs, groups, planes]; where rows differ in
// their planes, NAME.0.bits, NAME.0.scale, NAME.1.bits and so on, a pair a segment, and NAME.rows U16 or U32 [outputs], the
// matrix's row at each stored place. Optional for both: NAME.column_scale and NAME.column_offset, F16 [inputs].
// The configuration's `quantization` holds the sizes that the shapes do not tell.

import SottoKernels

extension ModelFile {
  /// Whether the tensor is in binary coding.
  public func isCoded(_ name: String) -> Bool { configuration.quantization[name] != nil }

  /// A matrix in binary coding. The planes stay in the mapped file.
  ///
  /// - Throws: `ModelError` where a part is missing, or sizes do not agree with the configuration or with
  ///   [outputs, inputs].
  public func codedTensor(_ name: String, outputs: Int, inputs: Int) throws -> BinaryCodedRows {
    func wrong(_ reason: String) -> ModelError { .tensor(path: path, name: name, reason: reason) }

    guard let coding = configuration.quantization[name] else {
      throw ModelError.missingTensor(path: path, name: name)
    }
    guard coding.inputs == inputs, coding.rows.reduce(0, +) == outputs else {
      throw wrong(
        "its coding is of \(coding.rows.reduce(0, +)) × \(coding.inputs); \(outputs) × \(inputs) is needed")
    }
    func columns(_ suffix: String) throws -> [Float]? {
      contains("\(name).\(suffix)") ? try floats("\(name).\(suffix)", shape: [inputs]) : nil
    }
    let columnScale = try columns("column_scale")
    let columnOffset = try columns("column_offset")
    let groups = (inputs + coding.group - 1) / coding.group
    let isSplit = contains("\(name).rows")
    guard isSplit || coding.rows.count == 1 else {
      throw ModelError.missingTensor(path: path, name: "\(name).rows")
    }

    do {
      var segments: [BinaryCodedTensor] = []
      for (index, (planes, rows)) in zip(coding.planes, coding.rows).enumerated() {
        let stem = isSplit ? "\(name).\(index)" : name
        let bits = try tensor("\(stem).bits", shape: [planes, rows, (inputs + 7) / 8], type: .uint8)
        segments.append(
          try BinaryCodedTensor(
            outputs: rows, inputs: inputs, group: coding.group, planes: planes, bits: bits.bytes,
            scales: try floats("\(stem).scale", shape: [rows, groups, planes]), columnScale: columnScale,
            columnOffset: columnOffset))
      }
      return try BinaryCodedRows(
        segments: segments, order: isSplit ? try rowOrder(name, count: outputs) : nil)
    } catch let error as BinaryCodingError {
      throw wrong(error.description)
    }
  }

  private func rowOrder(_ name: String, count: Int) throws -> [UInt32] {
    let rows = try tensor("\(name).rows")
    let type = rows.elementType == .uint16 ? ElementType.uint16 : .uint32
    return try tensor(rows.name, shape: [count], type: type).integers()
  }
}

/// The parts of a coded matrix that are written to a file.
struct CodedTensorParts {
  var declarations: [SafetensorsWriter.Declaration] = []
  private var contents: [(name: String, write: (SafetensorsWriter, String) throws -> Void)] = []

  init(name: String, rows: BinaryCodedRows) {
    let isSplit = rows.order != nil || rows.segments.count > 1
    for (index, segment) in rows.segments.enumerated() {
      let stem = !isSplit ? name : "\(name).\(index)"
      add("\(stem).bits", .uint8, [segment.planes, segment.outputs, segment.rowBytes]) { writer, name in
        try segment.bits.withUnsafeBytes { try writer.write(name, bytes: $0) }
      }
      add(floats: "\(stem).scale", [segment.outputs, segment.groups, segment.planes], segment.scales)
    }
    if let scale = rows.segments[0].columnScale { add(floats: "\(name).column_scale", [rows.inputs], scale) }
    if let offset = rows.segments[0].columnOffset {
      add(floats: "\(name).column_offset", [rows.inputs], offset)
    }
    if isSplit {
      let order = rows.order ?? (0..<UInt32(rows.outputs)).map { $0 }
      let isShort = rows.outputs <= 1 << 16
      add("\(name).rows", isShort ? .uint16 : .uint32, [rows.outputs]) { writer, name in
        if isShort {
          try writer.write(name, order.map { UInt16(truncatingIfNeeded: $0).littleEndian })
        } else {
          try writer.write(name, order.map(\.littleEndian))
        }
      }
    }
  }

  private mutating func add(
    _ name: String, _ type: ElementType, _ shape: [Int],
    _ write: @escaping (SafetensorsWriter, String) throws -> Void
  ) {
    declarations.append(.init(name: name, elementType: type, shape: shape))
    contents.append((name, write))
  }

  private mutating func add(floats name: String, _ shape: [Int], _ values: [Float]) {
    add(name, .float16, shape) { writer, name in try writer.write(name, FloatConversion.float16(from: values))
    }
  }

  func write(to writer: SafetensorsWriter) throws {
    for (name, write) in contents { try write(writer, name) }
  }
}
