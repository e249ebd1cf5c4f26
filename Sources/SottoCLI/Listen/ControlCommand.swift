// `sotto control`: commands to a session of `sotto listen` that is running.

import ArgumentParser

extension ControlRequest: ExpressibleByArgument {}

struct ControlCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "control",
    abstract: "Command a session of sotto listen --control.",
    usage: "sotto control start|stop|toggle|finish|cancel|status",
    discussion: """
      start and stop hear and pause; toggle does the one or the other; each answers
      with the new state. finish ends the utterance at once and answers with its
      text; cancel forgets it. status answers with listening, paused or loading.
      Bound to keys of the desktop, start and stop make push-to-talk.

      EXAMPLES:
        sotto control toggle
        sotto control finish

      EXIT STATUS:
        0  the session answered
        1  no session listens
        2  wrong usage

      ENVIRONMENT:
        SOTTO_CONTROL    path of the socket; sotto.socket in the next if not set
        XDG_RUNTIME_DIR  folder of the user's session
      """)

  @Argument(help: ArgumentHelp("What the session is to do.", valueName: "command"))
  var request: ControlRequest

  func run() throws {
    let answer = try ControlSocket.ask(request, path: ControlSocket.path())
    if !answer.isEmpty { try StandardOutput().write(answer + "\n") }
  }
}
