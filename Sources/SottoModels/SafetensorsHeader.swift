// The header of a safetensors file: names, types, shapes and places of its tensors.
//
// Layout: 8 bytes with the header's length N (little-endian), N bytes of JSON, then the tensors' data. The JSON maps a
// name to {"dtype", "shape", "data_offsets": [begin, end]}, offsets counted from the end of the header, and
// "__metadata__" to a map of strings. The tensors cover the data exactly, without gaps or overlap.

import Foundation

struct SafetensorsHeader: Codable {
  /// Longest header accepted. A model of sotto needs some 50 kB; the bound keeps parsing a bad file cheap.
  static let longest = 8 << 20
  static let mostTensors = 65_536
  static let mostDimensions = 8
  static let metadataKey = "__metadata__"

  struct Entry: Codable {
    var elementType: ElementType
    var shape: [Int]
    /// Bytes of the data section that belong to the tensor: first, and one after the last.
    var offsets: [Int]

    enum CodingKeys: String, CodingKey {
      case elementType = "dtype"
      case shape
      case offsets = "data_offsets"
    }
  }

  var metadata: [String: String]
  var entries: [String: Entry]

  init(metadata: [String: String], entries: [String: Entry]) {
    self.metadata = metadata
    self.entries = entries
  }

  struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    metadata = [:]
    entries = [:]
    for key in container.allKeys {
      if key.stringValue == Self.metadataKey {
        metadata = try container.decode([String: String].self, forKey: key)
      } else {
        do {
          entries[key.stringValue] = try container.decode(Entry.self, forKey: key)
        } catch let error where !(error is DecodingError) {
          // JSONDecoder throws an internal error, without the place, for a number that is no `Int`.
          throw DecodingError.dataCorrupted(.init(codingPath: [key], debugDescription: "\(error)"))
        }
      }
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    if !metadata.isEmpty { try container.encode(metadata, forKey: Key(stringValue: Self.metadataKey)) }
    for (name, entry) in entries { try container.encode(entry, forKey: Key(stringValue: name)) }
  }
}

extension SafetensorsHeader {
  /// Reads and checks the header of a whole file.
  ///
  /// - Returns: the header, and the position in the file where the data starts.
  /// - Throws: `ModelError.damaged` or `.tensor`; after a return every tensor lies inside the file.
  static func read(_ file: UnsafeRawBufferPointer, path: String) throws -> (SafetensorsHeader, dataStart: Int)
  {
    func damaged(_ reason: String) -> ModelError { .damaged(path: path, reason: reason) }

    if file.isEmpty { throw damaged("the file is empty") }
    guard file.count > 8 else { throw damaged("the file is cut short in its header") }
    let stated = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
    // The first byte tells a foreign file (text, audio, an archive) from a damaged one.
    guard file[8] == UInt8(ascii: "{") else { throw damaged("it does not start with a safetensors header") }
    guard stated >= 2, stated <= UInt64(longest) else {
      throw damaged("its header claims \(stated) bytes; at most \(longest) are accepted")
    }
    let length = Int(stated)
    guard length <= file.count - 8 else { throw damaged("the file is cut short in its header") }

    let header: SafetensorsHeader
    do {
      header = try JSONDecoder().decode(Self.self, from: Data(file[8..<(8 + length)]))
    } catch let error as DecodingError {
      throw headerError(error, path: path)
    }
    guard header.entries.count <= mostTensors else {
      throw damaged("it lists \(header.entries.count) tensors; at most \(mostTensors) are accepted")
    }
    try header.check(dataCount: file.count - 8 - length, path: path)
    return (header, 8 + length)
  }

  private static func headerError(_ error: DecodingError, path: String) -> ModelError {
    let context: DecodingError.Context? =
      switch error {
      case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
        .dataCorrupted(let context):
        context
      @unknown default: nil
      }
    guard let name = context?.codingPath.first?.stringValue else {
      return .damaged(path: path, reason: "its header is not valid JSON")
    }
    if name == metadataKey { return .damaged(path: path, reason: "its metadata is not a map of strings") }
    if context?.codingPath.last?.stringValue == "dtype" {
      return .tensor(path: path, name: name, reason: "its element type is not known")
    }
    return .tensor(path: path, name: name, reason: "its entry in the header is malformed")
  }

  /// Checks that each tensor's bytes fit its shape, and that together they cover the data exactly.
  private func check(dataCount: Int, path: String) throws {
    for (name, entry) in entries {
      func wrong(_ reason: String) -> ModelError { .tensor(path: path, name: name, reason: reason) }
      guard entry.shape.count <= Self.mostDimensions, let count = elementCount(entry.shape),
        case (let size, let overflow) = count.multipliedReportingOverflow(by: entry.elementType.size),
        !overflow
      else { throw wrong("its shape \(entry.shape) is impossible") }
      guard entry.offsets.count == 2, entry.offsets[0] >= 0, entry.offsets[0] <= entry.offsets[1] else {
        throw wrong("its place in the file, \(entry.offsets), is impossible")
      }
      guard entry.offsets[1] - entry.offsets[0] == size else {
        throw wrong(
          "it has \(entry.offsets[1] - entry.offsets[0]) bytes where its shape \(entry.shape) of "
            + "\(entry.elementType.rawValue) needs \(size)")
      }
      guard entry.offsets[1] <= dataCount else {
        throw wrong("the file is cut short: the tensor ends at byte \(entry.offsets[1]) of \(dataCount)")
      }
    }
    var end = 0
    let ordered = entries.sorted {
      ($0.value.offsets[0], $0.value.offsets[1]) < ($1.value.offsets[0], $1.value.offsets[1])
    }
    for (name, entry) in ordered {
      guard entry.offsets[0] == end else {
        let kind =
          entry.offsets[0] < end ? "its bytes overlap another tensor's" : "there is a gap before its bytes"
        throw ModelError.tensor(path: path, name: name, reason: kind)
      }
      end = entry.offsets[1]
    }
    guard end == dataCount else {
      throw ModelError.damaged(path: path, reason: "\(dataCount - end) bytes at its end belong to no tensor")
    }
  }

  /// The bytes of the file up to the data, padded with spaces so that the data starts at a multiple of 64.
  func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var json = try encoder.encode(self)
    let padding = (64 - (json.count + 8) % 64) % 64
    json.append(contentsOf: repeatElement(UInt8(ascii: " "), count: padding))
    var data = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) }
    data.append(json)
    return data
  }
}
