import ArgumentParser

@main
struct SottoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sotto", abstract: "Speech to text on your own machine.")
}
