// Recordings with a text file of the same name beside each, or without.

import Foundation
import SottoAudio

extension Corpus {
  mutating func readRecordings(in folder: String) {
    do {
      for file in try AudioFolder.files(in: folder, recursive: true) { addRecording(file) }
    } catch {
      report(message(of: error), at: folder)
    }
  }

  mutating func addRecording(_ path: String) {
    let beside = (path as NSString).deletingPathExtension + ".txt"
    var text: String?
    if let data = FileManager.default.contents(atPath: beside) {
      guard let valid = String(validating: data, as: UTF8.self) else {
        return report("not UTF-8", at: beside)
      }
      text = valid.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    if let problem = add(Utterance(id: path, audio: path, text: text)) {
      // Errors of audio begin with the path.
      problems.append(problem.hasPrefix(path) ? problem : "\(path): \(problem)")
    }
  }
}
