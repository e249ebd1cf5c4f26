// The program: its subcommands, and how it ends.

import ArgumentParser

struct SottoCommand: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "sotto",
    abstract: "Speech to text on your own machine.",
    discussion: """
      sotto turns recordings into text, subtitles or JSON. It runs on an ordinary CPU and never uses a network.

      EXAMPLES:
        sotto transcribe talk.wav                    text on standard output
        sotto transcribe --format srt -o talk.srt talk.wav
        sotto models                                 which models are installed

      EXIT STATUS:
        0  done
        1  some input failed; each is named on standard error
        2  wrong usage
        130  interrupted

      ENVIRONMENT:
        SOTTO_MODELS  folders with models, separated by colons, searched first
      """,
    version: version,
    subcommands: [TranscribeCommand.self, ModelsCommand.self, ScoreCommand.self])
}

@main
enum Program {
  /// Exit status of wrong usage.
  static let usageStatus: Int32 = 2

  static func main() {
    Interruption.prepare()
    do {
      var command = try SottoCommand.parseAsRoot()
      try command.run()
    } catch {
      exit(with: error)
    }
  }

  private static func exit(with error: any Error) -> Never {
    switch error {
    case is OutputClosed: quit(1)
    case let failure as Failure:
      Console.shared.report(failure.message)
      quit(1)
    default:
      let code = SottoCommand.exitCode(for: error)
      let message = SottoCommand.fullMessage(for: error)
      if code.isSuccess {
        do {
          try StandardOutput().write(message + "\n")
        } catch {
          exit(with: error)
        }
      } else if !message.isEmpty {
        Console.shared.write(message + "\n")
      }
      quit(code == .validationFailure ? usageStatus : code.rawValue)
    }
  }
}

/// Ends the program with a line on standard error and status 1.
struct Failure: Error {
  let message: String

  init(_ message: String) { self.message = message }
}
