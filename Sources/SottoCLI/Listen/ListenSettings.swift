// Settings of `sotto listen` from elsewhere than its options: a file, then the environment.

import Foundation

/// A setting is an option without its dashes: `endpoint = patient` in `sotto/listen.conf` of the user's configuration, or
/// `SOTTO_LISTEN_ENDPOINT=patient` in the environment; flags have the values yes and no.
struct ListenSettings {
  enum Source: String {
    case file, environment, option
    case standard = "default"
  }

  static let options = [
    "device", "model", "format", "endpoint", "endpoint-rules", "numbers", "chunk", "beam", "lm", "lm-weight",
    "lm-bonus", "threads",
    "duration", "save", "append", "exec",
    "type-with", "replacements",
  ]
  static let flags = ["type", "control", "paused", "quiet", "verbose", "commands"]

  private(set) var values: [String: (value: String, source: Source)] = [:]

  /// Where the user's configuration of this program lies; nil where there is no such folder.
  static func folder(environment: [String: String]) -> String? {
    if let folder = environment["XDG_CONFIG_HOME"], !folder.isEmpty { return folder + "/sotto" }
    return environment["HOME"].flatMap { $0.isEmpty ? nil : $0 + "/.config/sotto" }
  }

  /// - Throws: `UsageError` for settings that do not exist, and values of flags that are neither yes nor no.
  init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
    if let folder = Self.folder(environment: environment) {
      let path = folder + "/listen.conf"
      if let contents = try? String(contentsOfFile: path, encoding: .utf8) { try read(contents, path: path) }
    }
    for name in Self.options + Self.flags {
      let variable = "SOTTO_LISTEN_" + name.uppercased().replacingOccurrences(of: "-", with: "_")
      if let value = environment[variable], !value.isEmpty {
        try set(name, value, .environment, at: variable)
      }
    }
  }

  private mutating func read(_ contents: String, path: String) throws {
    for (number, line) in contents.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = line.trimmingCharacters(in: .whitespaces)
      if line.isEmpty || line.hasPrefix("#") { continue }
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      let place = "\(path): line \(number + 1)"
      guard parts.count == 2 else { throw UsageError("\(place) is not of the form: setting = value") }
      guard (Self.options + Self.flags).contains(parts[0]) else {
        throw UsageError("\(place): there is no setting \(parts[0]); sotto listen --print-config shows all")
      }
      try set(parts[0], parts[1], .file, at: place)
    }
  }

  private mutating func set(_ name: String, _ value: String, _ source: Source, at place: String) throws {
    if Self.flags.contains(name), !["yes", "no"].contains(value) {
      throw UsageError("\(place): \(name) is yes or no, and not \(value)")
    }
    values[name] = (value, source)
  }

  /// Options that say the same. Before the user's own, which then prevail.
  var arguments: [String] {
    values.sorted { $0.key < $1.key }.flatMap { name, setting -> [String] in
      if Self.flags.contains(name) { return setting.value == "yes" ? ["--\(name)"] : [] }
      return ["--\(name)=\(setting.value)"]
    }
  }
}
