// The speech that variants are compared on, from whatever lists it.

import Foundation
import SottoAudio

/// Utterances with their transcripts, and what could not be read. A line that cannot be used is named, and the others are
/// taken.
public struct Corpus: Sendable {
  public internal(set) var utterances: [Utterance] = []
  /// What is wrong, a message each, with file and line.
  public internal(set) var problems: [String] = []
  private var seen: Set<String> = []

  public init() {}

  /// Reads each of `paths`: a file of JSON lines, a recording, or a folder (of Kaldi's kind, a tree of LibriSpeech's, or recordings
  /// with texts beside them).
  public init(paths: [String]) {
    for path in paths { read(path) }
  }

  private mutating func read(_ path: String) {
    if AudioFolder.isDirectory(path) {
      if FileManager.default.fileExists(atPath: path + "/wav.scp") {
        readKaldiFolder(path)
      } else {
        let transcripts = Self.librispeechTranscripts(in: path)
        transcripts.isEmpty ? readRecordings(in: path) : readLibriSpeech(transcripts)
      }
    } else if AudioFolder.extensions.contains((path as NSString).pathExtension.lowercased()) {
      addRecording(path)
    } else {
      readJSONLines(path)
    }
  }

  /// Whether every utterance has a text.
  public var hasTexts: Bool { utterances.contains { $0.text != nil } }

  /// Seconds of all of it.
  public var duration: Double { utterances.reduce(0) { $0 + $1.duration } }

  // MARK: For the readers

  /// Adds an utterance whose audio can be opened. What is wrong with it otherwise.
  mutating func add(_ utterance: Utterance) -> String? {
    var utterance = utterance
    let length: Double?
    do {
      length = try AudioInput(utterance.audio).openFile().duration
    } catch {
      return message(of: error)
    }
    if let part = utterance.part {
      if let length, part.lowerBound >= length { return "begins after the end of \(utterance.audio)" }
      utterance.duration = min(part.upperBound, length ?? part.upperBound) - part.lowerBound
    } else {
      utterance.duration = length ?? 0
    }
    guard seen.insert(utterance.id).inserted else { return "a second line for \(utterance.id)" }
    utterances.append(utterance)
    return nil
  }

  mutating func report(_ problem: String?, at place: String) {
    if let problem { problems.append("\(place): \(problem)") }
  }

  /// The lines of a text file with their numbers from 1, without empty ones; nil where it cannot be read, which is reported.
  mutating func lines(of path: String) -> [(number: Int, text: String)]? {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      let exists = FileManager.default.fileExists(atPath: path)
      report(exists ? "cannot be read" : "no such file or folder", at: path)
      return nil
    }
    var lines: [(number: Int, text: String)] = []
    let newline = UInt8(ascii: "\n")
    for (index, line) in data.split(separator: newline, omittingEmptySubsequences: false).enumerated() {
      guard let text = String(validating: line, as: UTF8.self) else {
        report("not UTF-8", at: "\(path):\(index + 1)")
        continue
      }
      let trimmed = text.trimmingCharacters(in: .whitespaces.union(.newlines))
      if !trimmed.isEmpty { lines.append((index + 1, trimmed)) }
    }
    return lines
  }

  /// A path as a list gives it: relative to the list's folder, or to where the program runs.
  static func resolve(_ path: String, beside list: String) -> String {
    guard !path.hasPrefix("/") else { return path }
    let folder = (list as NSString).deletingLastPathComponent
    let beside = folder.isEmpty ? path : (folder as NSString).appendingPathComponent(path)
    let isThere = FileManager.default.fileExists(atPath: beside)
    return isThere || !FileManager.default.fileExists(atPath: path) ? beside : path
  }
}

/// What an error has to say.
func message(of error: any Error) -> String { String(describing: error) }
