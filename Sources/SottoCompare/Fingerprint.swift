// Whether two runs would measure the same.

import Foundation

public enum Fingerprint {
  /// FNV-1a over strings, in hexadecimal.
  public static func of(_ parts: [String]) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in parts.joined(separator: "\u{0}").utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// A file by its size and the time of its last change; `-` where there is none.
  public static func file(_ path: String) -> String {
    var status = stat()
    guard stat(path, &status) == 0 else { return "-" }
    return "\(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
  }

  /// Of what a variant hears: the recording, its part, and the seed of noises.
  public static func of(_ utterance: Utterance, condition: Condition, seed: UInt64) -> String {
    let path = URL(fileURLWithPath: utterance.audio).standardizedFileURL.path
    let part = utterance.part.map { "\($0.lowerBound) \($0.upperBound)" } ?? ""
    return of([path, file(path), part, condition == .clean ? "" : "\(condition.label) \(seed)"])
  }
}
