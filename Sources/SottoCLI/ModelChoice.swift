// What `--model` means: one model, or two passes.

import Foundation
import Sotto

/// The files of what recognises.
struct ModelChoice: Sendable, Hashable, Codable {
  /// The name of the two passes that are taken where none are named.
  static let twoPass = "two-pass"
  /// What stands for it.
  static let passes = (first: "stream-ctc", second: "tiny.en")

  /// Of the model, or of the first pass.
  var path: String
  /// Of the second pass, where there is one.
  var secondPass: String?

  init(path: String, secondPass: String? = nil) {
    self.path = path
    self.secondPass = secondPass
  }

  /// `NAME`, a path, `two-pass`, or `FIRST+SECOND`.
  ///
  /// - Throws: `Failure` for what is not there.
  init(_ text: String, find: (String) throws -> String) throws {
    if text == Self.twoPass {
      path = try find(Self.passes.first)
      secondPass = try find(Self.passes.second)
    } else if let plus = text.firstIndex(of: "+"), !FileManager.default.fileExists(atPath: text) {
      path = try find(String(text[..<plus]))
      secondPass = try find(String(text[text.index(after: plus)...]))
    } else {
      path = try find(text)
    }
  }

  /// - Throws: `Failure` that says where models were looked for and what is there.
  init(_ text: String) throws {
    let search = ModelSearch()
    try self.init(text) { try search.path(of: $0) }
  }

  func recognizer(_ configuration: RecognizerConfiguration) throws -> Recognizer {
    if let secondPass {
      try Recognizer(firstPass: path, secondPass: secondPass, configuration: configuration)
    } else {
      try Recognizer(modelPath: path, configuration: configuration)
    }
  }

  func liveModel() throws -> LiveModel {
    if let secondPass {
      try LiveModel(firstPass: path, secondPass: secondPass)
    } else {
      try LiveModel(path: path)
    }
  }
}
