// `sotto score`: how many words are wrong.

import ArgumentParser

struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score", abstract: "Compare transcripts with a reference.")
  func run() throws {}
}
