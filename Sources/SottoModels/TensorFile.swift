// A mapped safetensors file, whatever it holds.

import Foundation
import SottoKernels

/// A tensor inside a mapped model file. It keeps the mapping alive.
public struct Tensor: Sendable {
  public let name: String
  public let elementType: ElementType
  public let shape: [Int]
  /// The elements as they lie in the file: row-major, little-endian, and not always aligned.
  public let bytes: SharedBytes

  /// Number of elements.
  public var count: Int { bytes.count / elementType.size }

  public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try bytes.withUnsafeBytes(body)
  }

  /// The elements of U8, U16 or U32; of other types none.
  public func integers() -> [UInt32] {
    func read<Element: FixedWidthInteger & UnsignedInteger>(_: Element.Type) -> [UInt32] {
      withUnsafeBytes { bytes in
        (0..<count).map { index in
          let place = index * MemoryLayout<Element>.size
          return UInt32(Element(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Element.self)))
        }
      }
    }
    switch elementType {
    case .uint8: return read(UInt8.self)
    case .uint16: return read(UInt16.self)
    case .uint32: return read(UInt32.self)
    default: return []
    }
  }
}

/// An open safetensors file. Everything in its header has been checked: each tensor lies inside the file, has as many bytes
/// as its shape needs, and overlaps no other. Element values are checked as they are read (`floats`).
public final class TensorFile: Sendable {
  public let path: String
  /// Size of the file.
  public let byteCount: Int
  public let metadata: [String: String]
  private let tensors: [String: Tensor]
  /// All bytes after the header.
  private let data: SharedBytes

  /// - Throws: `ModelError` where the file cannot be read or is damaged.
  public init(path: String) throws {
    let file = try MappedFile(path: path)
    let (header, dataStart) = try SafetensorsHeader.read(file.bytes, path: path)
    self.path = path
    byteCount = file.bytes.count
    metadata = header.metadata
    let bytes = SharedBytes(file.bytes, owner: file)
    data = bytes.slice(dataStart..<file.bytes.count)
    var tensors: [String: Tensor] = [:]
    tensors.reserveCapacity(header.entries.count)
    for (name, entry) in header.entries {
      let range = (dataStart + entry.offsets[0])..<(dataStart + entry.offsets[1])
      tensors[name] = Tensor(
        name: name, elementType: entry.elementType, shape: entry.shape, bytes: bytes.slice(range))
    }
    self.tensors = tensors
  }

  /// The names of all tensors, sorted.
  public var names: [String] { tensors.keys.sorted() }

  public func contains(_ name: String) -> Bool { tensors[name] != nil }

  /// - Throws: `ModelError.missingTensor`.
  public func tensor(_ name: String) throws -> Tensor {
    guard let tensor = tensors[name] else { throw ModelError.missingTensor(path: path, name: name) }
    return tensor
  }

  /// The tensor, checked for its shape and type.
  ///
  /// - Throws: `ModelError.missingTensor` or `.tensor`.
  public func tensor(_ name: String, shape: [Int], type: ElementType) throws -> Tensor {
    let tensor = try tensor(name)
    guard tensor.elementType == type else {
      throw error(tensor, "it is of type \(tensor.elementType.rawValue); \(type.rawValue) is needed")
    }
    try check(tensor, shape: shape)
    return tensor
  }

  /// The elements of a tensor of F16, BF16 or F32, in row-major order.
  ///
  /// - Throws: `ModelError.missingTensor`, or `.tensor` where the shape or type is another, or an element is not
  ///   finite.
  public func floats(_ name: String, shape: [Int]) throws -> [Float] {
    let tensor = try tensor(name)
    try check(tensor, shape: shape)
    return try floats(tensor)
  }

  /// The elements of a tensor of any shape.
  public func floats(_ tensor: Tensor) throws -> [Float] {
    let result: [Float]? = tensor.withUnsafeBytes { bytes in
      switch tensor.elementType {
      case .float16: FloatConversion.floats(fromFloat16: bytes)
      case .bfloat16: FloatConversion.floats(fromBFloat16: bytes)
      case .float32: FloatConversion.floats(fromFloat32: bytes)
      default: nil
      }
    }
    guard let result else {
      throw error(tensor, "it is of type \(tensor.elementType.rawValue); F16, BF16 or F32 is needed")
    }
    guard FloatConversion.allFinite(result) else {
      throw error(tensor, "it holds values that are not finite")
    }
    return result
  }

  /// Gives the memory back that reading a tensor, and its parts NAME.PART, has taken; it can be read again, from the file. Loading a
  /// model would otherwise hold it twice, in the file's form and in that of the kernels.
  func forget(_ name: String) {
    let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
    for tensor in tensors.values where tensor.name == name || tensor.name.hasPrefix(name + ".") {
      tensor.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        let begin = (UInt(bitPattern: base) + page - 1) / page * page
        let end = (UInt(bitPattern: base) + UInt(bytes.count)) / page * page
        if begin < end {
          madvise(UnsafeMutableRawPointer(bitPattern: begin), Int(end - begin), MADV_DONTNEED)
        }
      }
    }
  }

  /// Tells tensor data apart: all bytes after the header, as 64-bit numbers (little-endian, filled up with zeros), are
  /// coefficients of a polynomial of an odd number modulo 2^64, behind the count of the bytes. 16 hexadecimal digits;
  /// tools/model_file.py computes the same.
  public var fingerprint: String {
    let multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15
    let value = data.withUnsafeBytes { bytes in
      var value = UInt64(bytes.count)
      let whole = bytes.count / 8 * 8
      for start in stride(from: 0, to: whole, by: 8) {
        let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        value = value &* multiplier &+ word
      }
      if whole < bytes.count {
        let word = bytes[whole...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        value = value &* multiplier &+ word
      }
      return value
    }
    let digits = String(value ^ value >> 32, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private func check(_ tensor: Tensor, shape: [Int]) throws {
    guard tensor.shape == shape else {
      throw error(tensor, "its shape is \(tensor.shape); \(shape) is needed")
    }
  }

  func error(_ tensor: Tensor, _ reason: String) -> ModelError {
    .tensor(path: path, name: tensor.name, reason: reason)
  }
}
