// The recordings in a folder.
import Foundation

/// Finds audio files by their extensions.
public enum AudioFolder {
  /// Extensions, in any case, of what libsndfile may read.
  public static let extensions: Set<String> = [
    "wav", "wave", "bwf", "rf64", "w64", "aif", "aiff", "aifc", "au", "snd", "caf", "flac", "ogg", "oga",
    "opus",
    "mp3", "mp2", "sph", "voc",
  ]

  /// The audio files in `folder`, in natural order (`talk 2` before `talk 10`), without hidden ones.
  ///
  /// Links are followed; a folder that was visited is not entered again. With `recursive`, a subfolder that cannot
  /// be listed stands in the result by itself, so that opening it tells the user why.
  ///
  /// - Throws: `AudioError`, `noAudioInFolder` where there are none.
  public static func files(in folder: String, recursive: Bool) throws(AudioError) -> [String] {
    var found: [String] = []
    var visited: Set<Identity> = []
    var waiting = [folder]
    while let next = waiting.popLast() {
      guard let identity = Identity(of: next) else {
        if next == folder { throw .notFound(folder) }
        continue
      }
      guard visited.insert(identity).inserted else { continue }
      let names: [String]
      do {
        names = try entries(of: next)
      } catch {
        if next == folder { throw .notReadable(folder, reason: error.reason) }
        found.append(next)
        continue
      }
      for name in names where !name.hasPrefix(".") {
        let path = next.hasSuffix("/") ? next + name : "\(next)/\(name)"
        if isDirectory(path) {
          if recursive { waiting.append(path) }
        } else if isAudio(name) {
          found.append(path)
        }
      }
    }
    guard !found.isEmpty else { throw .noAudioInFolder(folder, recursive: recursive) }
    return found.sorted(by: precedes)
  }

  /// Whether a path is a folder, links followed.
  public static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  private static func isAudio(_ name: String) -> Bool {
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return false }
    return extensions.contains(name[name.index(after: dot)...].lowercased())
  }

  /// A file whatever its path.
  private struct Identity: Hashable {
    let device: UInt64
    let inode: UInt64

    init?(of path: String) {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      device = UInt64(status.st_dev)
      inode = UInt64(status.st_ino)
    }
  }

  private static func entries(of folder: String) throws(SystemError) -> [String] {
    guard let handle = opendir(folder) else { throw SystemError(code: errno) }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Natural order: numbers by value, letters without regard to case; equal ones by their characters.
  static func precedes(_ left: String, _ right: String) -> Bool {
    let (a, b) = (naturalKey(left), naturalKey(right))
    for (x, y) in zip(a, b) where x != y { return x < y }
    return a.count != b.count ? a.count < b.count : left < right
  }

  private enum Part: Comparable {
    /// Ends a name within a path, before everything else.
    case separator
    /// Digits without leading zeros; longer ones are larger.
    case number(length: Int, digits: String)
    case character(Character)
  }

  private static func naturalKey(_ path: String) -> [Part] {
    var parts: [Part] = []
    var rest = path.lowercased()[...]
    while let first = rest.first {
      if first.isASCII, first.isNumber {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        let value = String(digits.drop { $0 == "0" })
        parts.append(.number(length: value.count, digits: value))
        rest = rest[digits.endIndex...]
      } else {
        parts.append(first == "/" ? .separator : .character(first))
        rest = rest.dropFirst()
      }
    }
    return parts
  }
}
