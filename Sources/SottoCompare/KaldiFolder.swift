// Corpora as Kaldi keeps them: wav.scp, text and, where recordings are cut, segments.

import Foundation

extension Corpus {
  mutating func readKaldiFolder(_ folder: String) {
    func file(_ name: String) -> String { (folder as NSString).appendingPathComponent(name) }
    let (list, transcripts, segments) = (file("wav.scp"), file("text"), file("segments"))
    var texts: [String: String] = [:]
    if FileManager.default.fileExists(atPath: transcripts) {
      for (number, line) in lines(of: transcripts) ?? [] {
        let (id, text) = Self.entry(line)
        if texts[id] != nil { report("a second line for \(id)", at: "\(transcripts):\(number)") }
        texts[id] = text
      }
    }
    let isCut = FileManager.default.fileExists(atPath: segments)
    var recordings: [String: String] = [:]
    for (number, line) in lines(of: list) ?? [] {
      let place = "\(list):\(number)"
      let (id, path) = Self.entry(line)
      if path.isEmpty {
        report("no path after “\(id)”", at: place)
      } else if path.hasSuffix("|") {
        report("“\(id)” is made by a command; store its output as a file", at: place)
      } else if isCut {
        if recordings[id] != nil { report("a second line for \(id)", at: place) }
        recordings[id] = Self.resolve(path, beside: list)
      } else {
        report(
          add(Utterance(id: id, audio: Self.resolve(path, beside: list), text: texts[id])), at: place)
      }
    }
    if isCut { readSegments(segments, recordings: recordings, texts: texts) }
    let known = isCut ? Set(lines(of: segments)?.map { Self.entry($0.text).0 } ?? []) : nil
    let ids = known ?? Set(lines(of: list)?.map { Self.entry($0.text).0 } ?? [])
    for (number, line) in (texts.isEmpty ? nil : lines(of: transcripts)) ?? [] {
      let id = Self.entry(line).0
      if !ids.contains(id) { report("no recording “\(id)”", at: "\(transcripts):\(number)") }
    }
  }

  /// `UTTERANCE RECORDING START END`, in seconds.
  private mutating func readSegments(_ path: String, recordings: [String: String], texts: [String: String]) {
    for (number, line) in lines(of: path) ?? [] {
      let fields = line.split(whereSeparator: \.isWhitespace).map(String.init)
      let place = "\(path):\(number)"
      guard fields.count == 4, let start = Double(fields[2]), let end = Double(fields[3]), start >= 0,
        end > start, end.isFinite
      else {
        report("not of the form “utterance recording start end”", at: place)
        continue
      }
      guard let audio = recordings[fields[1]] else {
        report("no recording “\(fields[1])” in wav.scp", at: place)
        continue
      }
      report(
        add(Utterance(id: fields[0], audio: audio, text: texts[fields[0]], part: start..<end)), at: place)
    }
  }

  /// The first word of a line, and the rest.
  static func entry(_ line: String) -> (id: String, rest: String) {
    let id = line.prefix { !$0.isWhitespace }
    return (String(id), String(line[id.endIndex...].drop { $0.isWhitespace }))
  }
}
