// What quantization of a model did.

/// Sizes and errors of a quantized model, tensor by tensor.
public struct QuantizationReport: Sendable, Hashable {
  public struct Entry: Sendable, Hashable {
    public var name: String
    public var outputs: Int
    public var inputs: Int
    /// Planes and rows of each segment.
    public var planes: [Int]
    public var rows: [Int]
    /// Scales and column vectors included.
    public var bitsPerWeight: Double
    /// ‖W - Ŵ‖ / ‖W‖.
    public var relativeError: Double
    /// √(tr(E H Eᵀ) / tr(W H Wᵀ)), the same for the layer's output on the calibration audio.
    public var outputError: Double?
  }

  /// Coded tensors in the order of their names.
  public var entries: [Entry] = []
  /// Elements of the tensors that stay in float16.
  public var uncodedCount = 0
  /// Size of the input and the output file.
  public var inputByteCount = 0
  public var outputByteCount = 0

  /// Coded weights.
  public var codedCount: Int { entries.reduce(0) { $0 + $1.outputs * $1.inputs } }

  /// Bits a weight over the coded tensors.
  public var codedBitsPerWeight: Double {
    entries.reduce(0) { $0 + $1.bitsPerWeight * Double($1.outputs * $1.inputs) } / Double(max(codedCount, 1))
  }

  /// Bits a weight over all tensors of numbers.
  public var bitsPerWeight: Double {
    let bits = codedBitsPerWeight * Double(codedCount) + 16 * Double(uncodedCount)
    return bits / Double(max(codedCount + uncodedCount, 1))
  }
}
