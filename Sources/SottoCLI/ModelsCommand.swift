// `sotto models`: which models are installed.

import ArgumentParser

struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "List the models that are installed.")
  func run() throws {}
}
