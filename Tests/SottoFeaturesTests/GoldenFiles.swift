// Stored samples and features; tools/golden/features.py writes them.

import Foundation

/// Little-endian numbers in the file of this name in Tests/Golden.
func golden<Number: FixedWidthInteger>(_ name: String, of type: Number.Type) throws -> [Number] {
  let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  let bytes = [UInt8](try Data(contentsOf: folder.appending(path: "Golden/\(name)")))
  let size = MemoryLayout<Number>.size
  return stride(from: 0, to: bytes.count, by: size).map { start in
    (0..<size).reduce(Number(0)) { $0 | Number(truncatingIfNeeded: bytes[start + $1]) << (8 * $1) }
  }
}

func goldenSamples(_ name: String) throws -> [Float] {
  try golden(name, of: Int16.self).map { Float($0) / 32_768 }
}

func goldenValues(_ name: String) throws -> [Float] {
  try golden(name, of: UInt32.self).map(Float.init(bitPattern:))
}
