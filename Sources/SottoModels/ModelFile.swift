// A model file: safetensors with the configuration of sotto in its metadata.

import Foundation
import SottoKernels

/// An open model file. Everything in its header has been checked: each tensor lies inside the file, has as many bytes
/// as its shape needs, and overlaps no other. Element values are checked as they are read (`floats`).
public final class ModelFile: Sendable {
  /// Key of the configuration in the safetensors metadata.
  public static let configurationKey = "sotto"

  public let path: String
  public let configuration: ModelConfiguration
  /// Size of the file.
  public let byteCount: Int
  /// Further entries of the metadata, without the configuration.
  public let metadata: [String: String]
  private let tensors: TensorFile

  /// - Throws: `ModelError` where the file cannot be read, is damaged, or holds no valid configuration.
  public init(path: String) throws {
    tensors = try TensorFile(path: path)
    guard let json = tensors.metadata[Self.configurationKey] else {
      throw ModelError.noConfiguration(path: path)
    }
    self.path = path
    byteCount = tensors.byteCount
    configuration = try ModelConfiguration(json: json, path: path)
    metadata = tensors.metadata.filter { $0.key != Self.configurationKey }
  }

  /// The names of all tensors, sorted.
  public var tensorNames: [String] { tensors.names }

  /// Tells tensor data apart (`TensorFile.fingerprint`).
  public var fingerprint: String { tensors.fingerprint }

  public func contains(_ name: String) -> Bool { tensors.contains(name) }

  /// - Throws: `ModelError.missingTensor`.
  public func tensor(_ name: String) throws -> Tensor { try tensors.tensor(name) }

  /// The tensor, checked for its shape and type.
  ///
  /// - Throws: `ModelError.missingTensor` or `.tensor`.
  public func tensor(_ name: String, shape: [Int], type: ElementType) throws -> Tensor {
    try tensors.tensor(name, shape: shape, type: type)
  }

  /// Gives the memory back that reading a tensor and its parts has taken (`TensorFile.forget`).
  func forget(_ name: String) { tensors.forget(name) }

  /// The elements of a tensor of F16, BF16 or F32, in row-major order.
  ///
  /// - Throws: `ModelError.missingTensor`, or `.tensor` where the shape or type is another, or an element is not
  ///   finite.
  public func floats(_ name: String, shape: [Int]) throws -> [Float] {
    try tensors.floats(name, shape: shape)
  }

  /// The elements of a tensor of any shape.
  public func floats(_ tensor: Tensor) throws -> [Float] { try tensors.floats(tensor) }

  func error(_ tensor: Tensor, _ reason: String) -> ModelError {
    tensors.error(tensor, reason)
  }
}
