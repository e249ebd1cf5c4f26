// `--lm`, `--lm-weight` and `--lm-bonus`: what is known of the language beside a model.

import ArgumentParser
import Foundation
import Sotto
import SottoModels

struct LanguageModelOptions: ParsableArguments {
  /// In place of a file: no language model, even where one lies beside the model.
  static let none = "none"
  /// In place of a file: the one that lies beside the model, or beside the model that it stands on.
  static let beside = "default"

  @Option(
    help: ArgumentHelp(
      "Language model for the model (see sotto lm build); none for none. By default NAME.lm beside the model, or that of the model that it stands on. For two passes FIRST+SECOND, or the first's alone.",
      valueName: "file"))
  var lm: String?

  @Option(
    help: ArgumentHelp(
      "How much the language model counts; of two passes, the first's. By default \(Self.texts { $0.weight }).",
      valueName: "x"))
  var lmWeight: Float?

  @Option(
    help: ArgumentHelp(
      "Reward of each token beside a language model. By default \(Self.texts { $0.bonus }).",
      valueName: "x"))
  var lmBonus: Float?

  /// The defaults of all families that have them.
  private static func texts(_ value: ((weight: Float, bonus: Float)) -> Float) -> String {
    let families: [ModelConfiguration.Family] = [.ctc, .rnnt, .mocha, .attention]
    return families.map { "\(value(LanguageModel.defaults(for: $0))) (\($0.rawValue))" }.joined(
      separator: ", ")
  }

  /// The language models for a model, or for the first pass and the second; nil where there is none.
  ///
  /// - Throws: `Failure`, and what reading the files throws.
  func models(for choice: ModelChoice) throws -> (own: LanguageModel?, secondPass: LanguageModel?) {
    let paths = try Self.paths(lm, for: choice)
    var own = try paths.own.map { try LanguageModel(path: $0) }
    own?.weight = lmWeight
    own?.bonus = lmBonus
    return (own, try paths.secondPass.map { try LanguageModel(path: $0) })
  }

  /// The files that a choice means, for each pass as `path` has it: FIRST+SECOND; one name is the first's, and `none` both's.
  ///
  /// - Throws: `Failure` where a language model is asked for and not there.
  static func paths(_ text: String?, for choice: ModelChoice) throws -> (own: String?, secondPass: String?) {
    guard let second = choice.secondPass else { return (try path(text, for: choice.path), nil) }
    if let text, let plus = text.firstIndex(of: "+"), !FileManager.default.fileExists(atPath: text) {
      return (
        try path(String(text[..<plus]), for: choice.path),
        try path(String(text[text.index(after: plus)...]), for: second)
      )
    }
    return (try path(text, for: choice.path), try path(text == none ? none : nil, for: second))
  }

  /// Beside the model that a model stands on, whose vocabulary is the same; nil where there is none.
  private static func pathOfBase(_ modelPath: String) -> String? {
    guard let base = try? ModelFile(path: modelPath).configuration.base else { return nil }
    let folder = URL(fileURLWithPath: modelPath).deletingLastPathComponent()
    let path = folder.appendingPathComponent(base.file).deletingPathExtension().path + ".lm"
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }

  /// The file that a choice means: a path, `none`, `default`, or nil for the default where there is one.
  ///
  /// - Throws: `Failure` where a language model is asked for and not there.
  static func path(_ choice: String?, for modelPath: String) throws -> String? {
    let suffix = "." + ModelSearch.fileExtension
    let stem = modelPath.hasSuffix(suffix) ? String(modelPath.dropLast(suffix.count)) : modelPath
    var own = stem + ".lm"
    if !FileManager.default.fileExists(atPath: own), let other = pathOfBase(modelPath) { own = other }
    switch choice {
    case nil: return FileManager.default.fileExists(atPath: own) ? own : nil
    case none: return nil
    case beside:
      guard FileManager.default.fileExists(atPath: own) else {
        throw Failure("there is no language model beside the model: \(own); sotto lm build makes one")
      }
      return own
    case let path?:
      guard FileManager.default.fileExists(atPath: path) else {
        throw Failure(
          "\(path): no such language model; sotto lm build makes one, and --lm none does without")
      }
      return path
    }
  }
}
