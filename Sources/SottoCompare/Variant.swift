// What is compared: a model with its options, or any program that prints text.

import Foundation

public struct Variant: Sendable, Hashable, Codable {
  public enum Kind: Sendable, Hashable, Codable {
    /// A model by name or path.
    case model(String, VariantOptions)
    /// A command for the shell in which `{audio}` stands for the recording's path, and `{wav}` for that of a copy of it as
    /// 16-bit WAV, 16 kHz, mono. With `{stdin}` in place of both it is started once: it says a line when it is ready, gets paths of
    /// such copies on its standard input, and answers each with a line of text.
    case peer(String)
  }

  static let stdinMark = "{stdin}"

  /// How it is called in results.
  public var label: String
  public var kind: Kind

  public init(label: String, kind: Kind) {
    self.label = label
    self.kind = kind
  }

  /// `NAME[:option=value,...]`. What is a path to a file as a whole is nothing but that.
  ///
  /// - Throws: `ComparisonError.specification`.
  public init(model text: String) throws(ComparisonError) {
    guard !text.isEmpty else { throw .specification("a model has an empty name") }
    var options = VariantOptions()
    var name = text[...]
    if !FileManager.default.fileExists(atPath: text), let colon = text.firstIndex(of: ":") {
      name = text[..<colon]
      for part in text[text.index(after: colon)...].split(separator: ",") {
        let equals = part.firstIndex(of: "=")
        let value = equals.map { String(part[part.index(after: $0)...]) }
        do {
          try options.set(String(part[..<(equals ?? part.endIndex)]), value)
        } catch {
          throw .specification("\(text): \(error.description)")
        }
      }
    }
    guard !name.isEmpty else { throw .specification("\(text): no model before the colon") }
    // A path is called by its file.
    let file = (String(name) as NSString).lastPathComponent
    let stem = file.hasSuffix(".safetensors") ? String(file.dropLast(12)) : file
    label = stem + text[name.endIndex...]
    kind = .model(String(name), options)
  }

  /// `NAME=command {audio}`.
  ///
  /// - Throws: `ComparisonError.specification`.
  public init(peer text: String) throws(ComparisonError) {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw .specification("\(text): a peer is given as NAME=command {audio}")
    }
    let command = text[text.index(after: equals)...].trimmingCharacters(in: .whitespaces)
    let hasPath = command.contains("{audio}") || command.contains("{wav}")
    guard hasPath != command.contains(Self.stdinMark) else {
      throw .specification(
        "\(text): the command needs {audio} (or {wav}) where the recording's path belongs, or else {stdin} if it stays and reads paths"
      )
    }
    label = String(text[..<equals])
    kind = .peer(command)
  }

  /// Labels that are no use for telling variants apart get a number.
  public static func distinct(_ variants: [Variant]) -> [Variant] {
    var taken: Set<String> = []
    return variants.map { variant in
      var result = variant
      var number = 2
      while !taken.insert(result.label).inserted {
        result.label = "\(variant.label) #\(number)"
        number += 1
      }
      return result
    }
  }
}

extension String {
  /// As one word for a POSIX shell.
  public var quotedForShell: String { "'" + replacing("'", with: "'\\''") + "'" }
}
