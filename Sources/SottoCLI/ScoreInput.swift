// Transcripts to be compared, from JSON lines.

import Foundation

/// The texts of a file of JSON lines, by recording.
struct ScoreInput {
  /// Names in the order of the file.
  private(set) var names: [String] = []
  private(set) var texts: [String: String] = [:]
  /// Recordings whose object has an error in place of a text.
  private(set) var failed: [String: String] = [:]

  private struct Line: Decodable {
    var audio: String?
    var file: String?
    var id: String?
    var channel: String?
    var text: String?
    var error: String?
  }

  /// Reads `path`, or standard input for `-`.
  ///
  /// - Throws: `Failure` that names every line that cannot be used (the first ten), with its number.
  init(path: String) throws {
    let name = path == "-" ? "standard input" : path
    var problems: [String] = []
    for (index, line) in try Self.lines(path, name: name).enumerated() {
      if let problem = add(line) { problems.append("\(name):\(index + 1): \(problem)") }
    }
    if !problems.isEmpty {
      let shown = problems.prefix(10).joined(separator: "\nsotto: ")
      throw Failure(
        problems.count > 10 ? shown + "\nsotto: and \(problems.count - 10) more bad lines" : shown)
    }
    if names.isEmpty { throw Failure("\(name): no lines with transcripts") }
  }

  private static func lines(_ path: String, name: String) throws -> [Data] {
    let data: Data
    do {
      data =
        path == "-"
        ? try FileHandle.standardInput.readToEnd() ?? Data()
        : try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      let exists = FileManager.default.fileExists(atPath: path)
      throw Failure("\(name): \(exists ? "cannot be read (\(error.localizedDescription))" : "no such file")")
    }
    let newline = UInt8(ascii: "\n")
    return data.split(separator: newline, omittingEmptySubsequences: false).map { Data($0) }
  }

  /// What is wrong with a line; nil where nothing is, and for empty lines.
  private mutating func add(_ data: Data) -> String? {
    if data.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\t") }) {
      return nil
    }
    let line: Line
    do {
      line = try JSONDecoder().decode(Line.self, from: data)
    } catch DecodingError.typeMismatch(_, let context) where !context.codingPath.isEmpty {
      return "“\(context.codingPath.map(\.stringValue).joined(separator: "."))” is not a string"
    } catch {
      return "not a JSON object"
    }
    guard let recording = (line.audio ?? line.file).map(Self.key) ?? line.id else {
      return "neither “audio”, “file” nor “id”"
    }
    let key = recording + (line.channel.map { " [\($0)]" } ?? "")
    guard texts[key] == nil, failed[key] == nil else { return "a second line for \(key)" }
    if let text = line.text {
      texts[key] = text
    } else if let error = line.error {
      failed[key] = error
    } else {
      return "no “text”"
    }
    names.append(key)
    return nil
  }

  /// The name of a recording without folder and extension.
  static func key(_ file: String) -> String {
    let name = (file as NSString).lastPathComponent
    let stem = (name as NSString).deletingPathExtension
    return stem.isEmpty ? name : stem
  }
}
