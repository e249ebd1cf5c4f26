// `--lm`, `--lm-weight` and `--lm-bonus`: what a streaming model knows of the language.

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
      "Language model for a streaming model (see sotto lm build); none for none. By default NAME.lm beside the model, or that of the model that it stands on.",
      valueName: "file"))
  var lm: String?

  @Option(
    help: ArgumentHelp(
      "How much the language model counts. By default \(Self.texts { $0.weight }).", valueName: "x"))
  var lmWeight: Float?

  @Option(
    help: ArgumentHelp(
      "Reward of each word piece beside a language model. By default \(Self.texts { $0.bonus }).",
      valueName: "x"))
  var lmBonus: Float?

  /// The defaults of all families that have them.
  private static func texts(_ value: ((weight: Float, bonus: Float)) -> Float) -> String {
    let families: [ModelConfiguration.Family] = [.ctc, .rnnt, .mocha]
    return families.map { "\(value(LanguageModel.defaults(for: $0))) (\($0.rawValue))" }.joined(
      separator: ", ")
  }

  /// The language model for a model; nil where there is none.
  ///
  /// - Throws: `Failure`, and what reading the file throws.
  func model(for modelPath: String) throws -> LanguageModel? {
    guard let path = try Self.path(lm, for: modelPath) else { return nil }
    var model = try LanguageModel(path: path)
    model.weight = lmWeight
    model.bonus = lmBonus
    return model
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
