// From the arguments of the command line to recordings, and to the names of their output files.

import Foundation
import SottoAudio

/// One recording to be transcribed.
struct Recording {
  let input: AudioInput
  /// Where its output belongs below the output folder, with the recording's own extension: the path below the
  /// folder that was given, or the file's name alone.
  let relativePath: String
}

/// All recordings of a command line.
struct Recordings {
  private(set) var recordings: [Recording] = []
  /// What could not be listed, with a message that names it.
  private(set) var failures: [(argument: String, message: String)] = []
  /// A folder was among the arguments.
  private(set) var hasFolder = false

  init(arguments: [String], isRecursive: Bool, raw: RawFormat?) {
    for argument in arguments {
      guard argument != "-", AudioFolder.isDirectory(argument) else {
        let name = argument == "-" ? "stdin" : (argument as NSString).lastPathComponent
        recordings.append(Recording(input: AudioInput(argument, raw: raw), relativePath: name))
        continue
      }
      hasFolder = true
      do {
        for file in try AudioFolder.files(in: argument, recursive: isRecursive) {
          let below = file.dropFirst(argument.count).drop { $0 == "/" }
          recordings.append(Recording(input: AudioInput(file), relativePath: String(below)))
        }
      } catch {
        failures.append((argument, explanation(of: error)))
      }
    }
  }

  /// A path for each recording, relative to the output folder, no two the same: `a/talk.txt`; where two would meet
  /// `talk.wav.txt` and `talk.flac.txt`; and where even these do, with a number.
  func outputPaths(extension suffix: String) -> [String] {
    let stems = recordings.map { ($0.relativePath as NSString).deletingPathExtension }
    let uses = Dictionary(stems.map { ($0, 1) }, uniquingKeysWith: +)
    var taken: Set<String> = []
    return zip(recordings, stems).map { recording, stem in
      let base = uses[stem] == 1 ? stem : recording.relativePath
      var path = "\(base).\(suffix)"
      var number = 2
      while !taken.insert(path).inserted {
        path = "\(base)-\(number).\(suffix)"
        number += 1
      }
      return path
    }
  }
}

/// What to tell the user about an error.
func explanation(of error: any Error) -> String {
  switch error {
  case let failure as Failure: failure.message
  case let error as any CustomStringConvertible & Error: error.description
  default: error.localizedDescription
  }
}
