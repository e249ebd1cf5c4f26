// Takes the small model file apart, so that tests can put it together wrongly.

import Foundation

/// A safetensors file in parts, read and written without the code under test.
struct ModelSurgery {
  struct Tensor {
    var name: String
    var type: String
    var shape: [Int]
    var data: Data
  }

  /// The JSON of the model's configuration; nil leaves it out.
  var configuration: String?
  var tensors: [Tensor]

  /// - Throws: where the file is not as tools/make_golden.py wrote it.
  init(path: String) throws {
    let file = try Data(contentsOf: URL(fileURLWithPath: path))
    let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONSerialization.jsonObject(with: file[8..<8 + length]) as? [String: Any] ?? [:]
    configuration = (header["__metadata__"] as? [String: String])?["sotto"]
    var entries: [(begin: Int, tensor: Tensor)] = []
    for (name, value) in header {
      guard let entry = value as? [String: Any], let type = entry["dtype"] as? String,
        let shape = entry["shape"] as? [Int], let offsets = entry["data_offsets"] as? [Int]
      else { continue }
      let data = file[(8 + length + offsets[0])..<(8 + length + offsets[1])]
      entries.append((offsets[0], Tensor(name: name, type: type, shape: shape, data: Data(data))))
    }
    tensors = entries.sorted { $0.begin < $1.begin }.map(\.tensor)
  }

  /// Replaces text in the configuration.
  mutating func configure(_ old: String, _ new: String) {
    configuration = configuration?.replacingOccurrences(of: old, with: new)
  }

  /// Changes the tensor of this name.
  mutating func change(_ name: String, _ body: (inout Tensor) -> Void) {
    for index in tensors.indices where tensors[index].name == name { body(&tensors[index]) }
  }

  /// Gives the tensor another shape, and as many zeros as it takes.
  mutating func resize(_ name: String, _ shape: [Int]) {
    change(name) {
      $0 = Tensor(name: name, type: $0.type, shape: shape, data: Data(count: shape.reduce(2, *)))
    }
  }

  func encoded() throws -> Data {
    var header: [String: Any] = [:]
    if let configuration { header["__metadata__"] = ["sotto": configuration] }
    var data = Data()
    for tensor in tensors {
      header[tensor.name] =
        [
          "dtype": tensor.type, "shape": tensor.shape,
          "data_offsets": [data.count, data.count + tensor.data.count],
        ] as [String: Any]
      data += tensor.data
    }
    return Self.file(header: try JSONSerialization.data(withJSONObject: header), data: data)
  }

  static func file(header: Data, data: Data = Data(), length: UInt64? = nil) -> Data {
    withUnsafeBytes(of: (length ?? UInt64(header.count)).littleEndian) { Data($0) } + header + data
  }
}
