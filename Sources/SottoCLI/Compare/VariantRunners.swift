// From what the command line names to what can be run.

import ArgumentParser
import Foundation
import SottoCompare
import SottoDecoding
import SottoModels

/// The variants, with the files of their models. Models that are quantized for a run are removed with it.
struct VariantRunners {
  private(set) var runners: [ComparisonRun.Runner] = []
  private var copies: [Copy] = []

  /// A file that lives as long as this.
  private final class Copy {
    let path: String

    init() {
      let folder = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
      path = "\(folder)/.sotto-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).safetensors"
      Interruption.register(path)
    }

    deinit {
      unlink(path)
      Interruption.forget(path)
    }
  }

  /// - Throws: `UsageError` for an unknown model or option.
  init(models: [String], peers: [String], threads: Int) throws {
    let search = ModelSearch()
    let installed = search.models()
    var seen: Set<String> = []
    let names = installed.map(\.name).filter { seen.insert($0).inserted }
    var variants: [Variant] = []
    do {
      variants = try (models.isEmpty && peers.isEmpty ? names : models).map { try Variant(model: $0) }
      variants += try peers.map { try Variant(peer: $0) }
    } catch let error as ComparisonError {
      throw UsageError(error.description)
    }
    guard !variants.isEmpty else {
      throw UsageError("no models; set SOTTO_MODELS, or give --model the path of one")
    }
    for variant in Variant.distinct(variants) {
      switch variant.kind {
      case .peer(let command):
        let settings = WorkerSettings(command: command)
        runners.append(.init(variant: variant, settings: settings, key: Fingerprint.of(["peer", command])))
      case .model(let name, var options):
        let choice = try ModelChoice(name) { try Self.path(of: $0, among: installed, names: names) }
        let path = choice.path
        if options.bits != nil, choice.secondPass != nil {
          throw UsageError("\(variant.label): bits is for one model, not for two passes")
        }
        options.threads = options.threads ?? threads
        try Self.check(&options, of: choice, label: variant.label)
        runners.append(
          .init(
            variant: variant,
            settings: WorkerSettings(model: path, secondPass: choice.secondPass, options: options),
            key: try Self.key(choice, options)))
      }
    }
  }

  /// What can be wrong with options before anything is started; the choice of a language model becomes a path.
  private static func check(_ options: inout VariantOptions, of choice: ModelChoice, label: String) throws {
    do {
      (options.lm, options.secondPassLM) = try LanguageModelOptions.paths(options.lm, for: choice)
      _ = try ModelWorker.endpointing(options)
      if let reason = options.biasWeight.flatMap({ BiasList.fault(ofWeight: Float($0)) }) {
        throw Failure("bias-weight: \(reason)")
      }
      _ = try ModelWorker.bias(options)
    } catch let error as ValidationError {
      throw UsageError("\(label): \(error.message)")
    } catch let error as Failure {
      throw UsageError("\(label): \(error.message)")
    }
  }

  private static func path(
    of name: String, among installed: [(name: String, path: String)], names: [String]
  ) throws -> String {
    if let found = installed.first(where: { $0.name == name }) { return found.path }
    let isPath = name.contains("/") || name.hasSuffix("." + ModelSearch.fileExtension)
    if isPath, FileManager.default.fileExists(atPath: name) { return name }
    let hint = NearestNames.hint(
      isPath ? ((name as NSString).lastPathComponent as NSString).deletingPathExtension : name, among: names)
    throw UsageError(
      "no model \(isPath ? "file " : "")\(name)\(hint); sotto models lists what is installed")
  }

  private static func key(_ choice: ModelChoice, _ options: VariantOptions) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let settings = String(decoding: try encoder.encode(options), as: UTF8.self)
    return Fingerprint.of(
      [
        SottoCommand.version, settings, Fingerprint.file(choice.path),
        choice.secondPass.map(Fingerprint.file) ?? "", options.lm.map(Fingerprint.file) ?? "",
        options.secondPassLM.map(Fingerprint.file) ?? "",
        options.bias.map(Fingerprint.file) ?? "",
      ])
  }

  /// Makes the models that `bits` asks for.
  ///
  /// - Throws: `Failure`.
  mutating func quantize(showsProgress: Bool) throws {
    for index in runners.indices {
      guard let bits = runners[index].settings.options.bits, let model = runners[index].settings.model else {
        continue
      }
      let label = runners[index].variant.label
      let copy = Copy()
      do {
        _ = try ModelQuantizer.quantize(
          input: ModelFile(path: model), output: copy.path,
          recipe: QuantizationRecipe(bits: bits, group: .inputs(128)), recodes: true
        ) { _, place, count in
          if showsProgress { Console.shared.showProgress("\(label): quantizing, \(place + 1) of \(count)") }
        }
      } catch {
        throw Failure("\(label): \(explanation(of: error))")
      }
      Console.shared.clearProgress()
      copies.append(copy)
      var settings = runners[index].settings
      settings.model = copy.path
      runners[index] = .init(variant: runners[index].variant, settings: settings, key: runners[index].key)
    }
  }
}
