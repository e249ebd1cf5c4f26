// The element types of the safetensors format.

/// How the elements of a tensor are stored, named as in a safetensors header; all little-endian.
public enum ElementType: String, Sendable, Hashable, Codable, CaseIterable {
  case bool = "BOOL"
  case uint8 = "U8"
  case int8 = "I8"
  case int16 = "I16"
  case uint16 = "U16"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int32 = "I32"
  case uint32 = "U32"
  case float32 = "F32"
  case float64 = "F64"
  case int64 = "I64"
  case uint64 = "U64"

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .bool, .uint8, .int8: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .float64, .int64, .uint64: 8
    }
  }
}

/// The product of the sizes, nil where one is negative or the product overflows.
func elementCount(_ shape: [Int]) -> Int? {
  // A zero anywhere makes the count 0, but the other factors must still make sense.
  var product = 1
  for size in shape {
    let (value, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
    guard size >= 0, !overflow else { return nil }
    product = value
  }
  return shape.contains(0) ? 0 : product
}
