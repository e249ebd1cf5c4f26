// The model that the program comes with, and recordings for it.

import Foundation
import SottoAudio
import SottoTestSupport
import Testing

@testable import Sotto

enum SpeechModel {
  static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let path = package.appending(path: "models/tiny.en.safetensors").path

  /// Without the model, tests of it are skipped on a developer's machine. Where everything must be tested, they fail.
  static let isExpected =
    FileManager.default.fileExists(atPath: path) || ProcessInfo.processInfo.environment["CI"] != nil

  /// Tests run side by side, so that each takes one thread.
  static func recognizer(_ change: (inout RecognizerConfiguration) -> Void = { _ in }) throws -> Recognizer {
    var configuration = RecognizerConfiguration()
    configuration.threads = 1
    change(&configuration)
    return try Recognizer(modelPath: path, configuration: configuration)
  }

  static func transcript(
    _ samples: [Float], _ change: (inout RecognizerConfiguration) -> Void = { _ in }
  ) throws -> Transcript {
    try recognizer(change).transcribe(SampleSource(samples: samples))
  }

  /// A recording of samples/, at 16 kHz.
  static func sample(_ file: String, _ channels: ChannelSelection = .mix) throws -> [Float] {
    let source = try AudioInput(package.appending(path: "samples/\(file)").path).open(channels: channels)
    var samples: [Float] = []
    while true {
      let piece = try source.read(count: 16_000)
      if piece.isEmpty { return samples }
      samples += piece
    }
  }

  /// A text of samples/.
  static func text(_ file: String) throws -> String {
    try String(contentsOf: package.appending(path: "samples/\(file)"), encoding: .utf8)
  }
}
