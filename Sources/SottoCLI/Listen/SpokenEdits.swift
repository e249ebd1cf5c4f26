// What is said as an order to whoever writes it down, and words that the user wants written otherwise.

import Foundation
import SottoDecoding

/// Replaces phrases of finished utterances: spoken commands, and the user's own replacements, of which the longest goes first.
struct SpokenEdits: Sendable {
  enum Edit: Sendable, Hashable {
    /// Stands where the phrase stood, as words.
    case words(String)
    /// Follows the word before it without a space.
    case mark(String)
    /// No spaces around it.
    case breakLine(String)
    /// What the utterance had before is forgotten.
    case scratch
  }

  /// With `--commands`.
  static let commands: [String: Edit] = [
    "new line": .breakLine("\n"), "new paragraph": .breakLine("\n\n"), "full stop": .mark("."),
    "period": .mark("."), "comma": .mark(","), "question mark": .mark("?"), "exclamation mark": .mark("!"),
    "colon": .mark(":"), "semicolon": .mark(";"), "scratch that": .scratch,
  ]

  private var edits: [[String]: Edit] = [:]
  private var longest = 0
  private let numbers: NumberStyle?

  /// - Parameters:
  ///   - numbers: how numbers are written; nil for as they are.
  ///   - replacements: what is said, and what is to be written.
  init(withCommands: Bool = false, numbers: NumberStyle? = nil, replacements: [String: String] = [:]) {
    self.numbers = numbers
    if withCommands { for (phrase, edit) in Self.commands { add(phrase, edit) } }
    for (phrase, text) in replacements { add(phrase, .words(text)) }
  }

  private mutating func add(_ phrase: String, _ edit: Edit) {
    let words = phrase.split(separator: " ").map { Self.plain($0) }
    guard !words.isEmpty else { return }
    edits[words] = edit
    longest = max(longest, words.count)
  }

  /// In lower case, without marks before and after it.
  private static func plain(_ word: Substring) -> String {
    word.lowercased().trimmingCharacters(in: .punctuationCharacters)
  }

  func apply(to text: String) -> String {
    let text = numbers?.apply(to: text) ?? text
    guard longest > 0 else { return text }
    let words = text.split(separator: " ")
    let plain = words.map(Self.plain)
    var result = ""
    var index = 0
    while index < words.count {
      let length = stride(from: min(longest, words.count - index), to: 0, by: -1).first {
        edits[Array(plain[index..<(index + $0)])] != nil
      }
      if let length, let edit = edits[Array(plain[index..<(index + length)])] {
        perform(edit, on: &result)
        index += length
      } else {
        append(String(words[index]), to: &result)
        index += 1
      }
    }
    return result
  }

  private func perform(_ edit: Edit, on text: inout String) {
    switch edit {
    case .words(let words): append(words, to: &text)
    case .mark(let mark): text += mark
    case .breakLine(let breaks): text += breaks
    case .scratch: text = ""
    }
  }

  private func append(_ word: String, to text: inout String) {
    if !text.isEmpty, text.last?.isNewline == false, !word.isEmpty { text += " " }
    text += word
  }

  // MARK: The user's file

  /// Lines `SAID = WRITTEN`; empty ones, and those that begin with #, are passed over.
  ///
  /// - Throws: `Failure` with the number of a line that is no such thing.
  static func replacements(in contents: String, path: String) throws -> [String: String] {
    var found: [String: String] = [:]
    for (number, line) in contents.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = line.trimmingCharacters(in: .whitespaces)
      if line.isEmpty || line.hasPrefix("#") { continue }
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      guard parts.count == 2, !parts[0].isEmpty else {
        throw Failure("\(path): line \(number + 1) is not of the form: what is said = what is written")
      }
      found[parts[0]] = parts[1]
    }
    return found
  }
}
