// Stands in for SottoAudio's reading until it is here.

import Foundation
import SottoAudio

struct AudioInput {
  let argument: String
  let raw: RawFormat?
  init(_ argument: String, raw: RawFormat? = nil) {
    self.argument = argument
    self.raw = raw
  }
  var name: String { argument == "-" ? "standard input" : argument }
  func open(rate: Int = 16_000, channels: ChannelSelection = .mix) throws -> any AudioSource {
    guard argument == "-" || FileManager.default.fileExists(atPath: argument) else {
      throw Failure("\(name): no such file or folder")
    }
    return SampleSource(samples: Array(repeating: 0, count: rate))
  }
  func openEach(rate: Int = 16_000) throws -> [any AudioSource] { [try open(), try open()] }
}

enum ChannelSelection { case mix, left, right }

struct RawFormat {
  init(_ text: String) throws {
    if text.split(separator: ":").count != 3 { throw Failure("raw format '\(text)': has not 3 parts") }
  }
}

enum AudioFolder {
  static func isDirectory(_ path: String) -> Bool {
    var isDirectory: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
  }
  static func files(in folder: String, recursive: Bool) throws -> [String] {
    let all = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    let found = all.filter { $0.hasSuffix(".wav") && (recursive || !$0.contains("/")) }.sorted()
    if found.isEmpty { throw Failure("\(folder): no audio files in this folder") }
    return found.map { folder + "/" + $0 }
  }
}

extension AudioSource {
  var warning: String? { nil }
}
