// The program: its subcommands, and how it ends.

import ArgumentParser
import Foundation

struct SottoCommand: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "sotto",
    abstract: "Speech to text on your own machine.",
    discussion: """
      Turns recordings, and what is said into a microphone, into text, subtitles or
      JSON, on an ordinary CPU and without a network.

      EXAMPLES:
        sotto transcribe talk.wav
        sotto transcribe --format srt --output talk.srt talk.wav
        sotto listen
        sotto compare --model tiny.en --model tiny.en:beam=1 talks
        sotto models

      EXIT STATUS:
        0    done
        1    some input failed; each is named on standard error
        2    wrong usage
        3    no microphone could be opened
        130  interrupted

      ENVIRONMENT:
        SOTTO_MODELS  folders with models, separated by colons, searched first
      """,
    version: version,
    subcommands: [
      TranscribeCommand.self, ListenCommand.self, DevicesCommand.self, ControlCommand.self,
      ModelsCommand.self,
      QuantizeCommand.self, ScoreCommand.self, CompareCommand.self, LanguageModelCommand.self,
      WorkerCommand.self,
    ])
}

@main
enum Main {
  /// Exit status of wrong usage.
  static let usageStatus: Int32 = 2
  /// Exit status where there is no audio to be had.
  static let deviceStatus: Int32 = 3

  static func main() {
    reserveStandardDescriptors()
    Interruption.prepare()
    do {
      var words = Array(CommandLine.arguments.dropFirst())
      // Settings from elsewhere stand before the user's options, which prevail as the later ones.
      if words.first == "listen" { words.insert(contentsOf: try ListenSettings().arguments, at: 1) }
      var command = try SottoCommand.parseAsRoot(words)
      try command.run()
    } catch {
      exit(with: error)
    }
  }

  /// Where a standard stream was closed by the parent, the next file opened would take its number, and messages or
  /// results would go into it. The stand-ins fail when results are asked of them, and swallow messages.
  private static func reserveStandardDescriptors() {
    for (descriptor, mode) in [
      (STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY),
    ]
    where fcntl(descriptor, F_GETFD) < 0 {
      _ = open("/dev/null", mode)
    }
  }

  private static func exit(with error: any Error) -> Never {
    switch error {
    case is OutputClosed: quit(1)
    case let error as UsageError:
      Console.shared.report(error.message)
      quit(usageStatus)
    case let failure as DeviceFailure:
      Console.shared.report(failure.message)
      quit(deviceStatus)
    case let failure as Failure:
      Console.shared.report(failure.message)
      quit(1)
    default:
      let code = SottoCommand.exitCode(for: error)
      if code == .failure, !(error is ExitCode) {
        Console.shared.report(explanation(of: error))
        quit(1)
      }
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

/// Wrong usage that only shows when the inputs are looked at.
struct UsageError: Error {
  let message: String

  init(_ message: String) { self.message = message }
}

/// Ends the program with a line on standard error and status 3: a capture device is missing, busy or forbidden.
struct DeviceFailure: Error {
  let message: String

  init(_ message: String) { self.message = message }
}

/// Ends the program with a line on standard error and status 1.
struct Failure: Error {
  let message: String

  init(_ message: String) { self.message = message }
}
