// Finds model files by name.

import Foundation

/// The folders that models are looked for in, in this order: those of `SOTTO_MODELS`; `share/sotto/models` beside the
/// program's `bin`; `models` of the package that the program was built in; and `sotto/models` in the data folders of
/// the XDG base directory specification.
struct ModelSearch {
  static let fileExtension = "safetensors"
  static let defaultModel = "tiny.en"

  let folders: [String]

  /// - Parameters:
  ///   - environment: of the process.
  ///   - executable: the program's path, links resolved.
  init(
    environment: [String: String] = ProcessInfo.processInfo.environment,
    executable: String? = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  ) {
    var folders = Self.list(environment["SOTTO_MODELS"])
    if let executable {
      let bin = URL(fileURLWithPath: executable).deletingLastPathComponent()
      let prefix = bin.deletingLastPathComponent()
      folders.append(prefix.appendingPathComponent("share/sotto/models").path)
      if let package = Self.package(around: bin) {
        folders.append(package.appendingPathComponent("models").path)
      }
    }
    var data = Self.list(environment["XDG_DATA_HOME"])
    if data.isEmpty, let home = environment["HOME"], !home.isEmpty { data = [home + "/.local/share"] }
    let shared = Self.list(environment["XDG_DATA_DIRS"])
    data += shared.isEmpty ? ["/usr/local/share", "/usr/share"] : shared
    folders += data.map { $0 + "/sotto/models" }
    var seen: Set<String> = []
    self.folders = folders.filter { seen.insert($0).inserted }
  }

  private static func list(_ variable: String?) -> [String] {
    (variable ?? "").split(separator: ":").map(String.init)
  }

  /// The folder with Package.swift above a build folder.
  private static func package(around folder: URL) -> URL? {
    var folder = folder
    for _ in 0..<6 where folder.path != "/" {
      let manifest = folder.appendingPathComponent("Package.swift").path
      if FileManager.default.fileExists(atPath: manifest) { return folder }
      folder.deleteLastPathComponent()
    }
    return nil
  }

  /// Paths of all model files, by folder and then by name. Of several with one name the first is the one that is used.
  func models() -> [(name: String, path: String)] {
    folders.flatMap { folder in
      let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      return files.filter { $0.hasSuffix("." + Self.fileExtension) && !$0.hasPrefix(".") }.sorted().map {
        file in
        (String(file.dropLast(Self.fileExtension.count + 1)), folder + "/" + file)
      }
    }
  }

  /// The path of a model that was given by name or path.
  ///
  /// - Throws: `Failure` that says where it was looked for and what is there.
  func path(of model: String) throws -> String {
    if model.contains("/") || model.hasSuffix("." + Self.fileExtension) {
      guard FileManager.default.fileExists(atPath: model) else {
        throw Failure("\(model): no such model file; sotto models lists what is installed")
      }
      return model
    }
    let models = models()
    if let found = models.first(where: { $0.name == model }) { return found.path }
    var names = Set(models.map(\.name)).sorted()
    let passes = ModelChoice.passes
    if names.contains(passes.first), names.contains(passes.second) { names.append(ModelChoice.twoPass) }
    let found =
      names.isEmpty
      ? "no models; set SOTTO_MODELS, or give --model the path of one" : names.joined(separator: ", ")
    throw Failure(
      """
      no model named \(model)
        looked in: \(folders.joined(separator: "\n             "))
        found: \(found)
      """)
  }
}
