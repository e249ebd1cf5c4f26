// Corpora listed as JSON lines.

import Foundation

extension Corpus {
  /// Objects with `audio` (`audio_filepath` or `file`), and where known `text` and `id`; `offset` and `duration` choose a part.
  private struct Line: Decodable {
    var id: String?
    var audio: String?
    var audioFilepath: String?
    var file: String?
    var text: String?
    var offset: Double?
    var duration: Double?
    /// In the place of a text, in results of `sotto transcribe`.
    var error: String?

    enum CodingKeys: String, CodingKey {
      case id, audio, file, text, offset, duration, error
      case audioFilepath = "audio_filepath"
    }
  }

  mutating func readJSONLines(_ path: String) {
    guard let lines = lines(of: path) else { return }
    let before = (utterances.count, problems.count)
    var others = 0
    for line in lines {
      let problem = add(line.text, of: path)
      if problem != Self.notAnObject { others += 1 }
      report(problem, at: "\(path):\(line.number)")
    }
    // Something else altogether: one message is as good as one for each line of it.
    if others == 0, lines.count > 1 {
      problems.removeSubrange(before.1...)
      report("is no recording that is known, and no line of it is a JSON object", at: path)
    }
    if before == (utterances.count, problems.count) { report("holds no lines", at: path) }
  }

  private static let notAnObject = "not a JSON object"

  /// What is wrong with a line.
  private mutating func add(_ text: String, of path: String) -> String? {
    let line: Line
    do {
      line = try JSONDecoder().decode(Line.self, from: Data(text.utf8))
    } catch DecodingError.typeMismatch(_, let context) where !context.codingPath.isEmpty {
      return
        "“\(context.codingPath.map(\.stringValue).joined(separator: "."))” has another type than it should"
    } catch {
      return Self.notAnObject
    }
    guard let audio = line.audio ?? line.audioFilepath ?? line.file, !audio.isEmpty else {
      return "no “audio”"
    }
    var part: Range<Double>?
    if let offset = line.offset {
      guard let duration = line.duration, offset >= 0, duration > 0 else {
        return "“offset” needs a “duration”, and neither may be negative"
      }
      part = offset..<(offset + duration)
    }
    let id = line.id ?? part.map { "\(audio)@\($0.lowerBound)" } ?? audio
    return add(
      Utterance(id: id, audio: Self.resolve(audio, beside: path), text: line.text, part: part))
  }
}
