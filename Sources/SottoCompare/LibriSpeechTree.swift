// Corpora as LibriSpeech keeps them: folders with `*.trans.txt`, and the recordings beside it.

import Foundation
import SottoAudio

extension Corpus {
  /// Transcripts below a folder, in order.
  static func librispeechTranscripts(in folder: String) -> [String] {
    guard let walk = FileManager.default.enumerator(atPath: folder) else { return [] }
    var found: [String] = []
    while let name = walk.nextObject() as? String {
      if name.hasSuffix(".trans.txt") { found.append((folder as NSString).appendingPathComponent(name)) }
    }
    return found.sorted()
  }

  mutating func readLibriSpeech(_ transcripts: [String]) {
    for path in transcripts {
      let folder = (path as NSString).deletingLastPathComponent
      var files: [String: String] = [:]
      for file in (try? AudioFolder.files(in: folder, recursive: false)) ?? [] {
        files[((file as NSString).lastPathComponent as NSString).deletingPathExtension] = file
      }
      for (number, line) in lines(of: path) ?? [] {
        let place = "\(path):\(number)"
        let (id, text) = Self.entry(line)
        guard let audio = files[id] else {
          report("no recording “\(id)” beside it", at: place)
          continue
        }
        report(add(Utterance(id: id, audio: audio, text: text)), at: place)
      }
    }
  }
}
