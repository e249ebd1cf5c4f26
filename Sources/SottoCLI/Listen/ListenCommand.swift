// `sotto listen`: live dictation.

import ArgumentParser
import Foundation
import Sotto
import SottoAudio
import SottoDecoding

extension ListenFormat: ExpressibleByArgument {}
extension NumberStyle: ExpressibleByArgument {}

struct ListenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "listen",
    abstract: "Turn what is said into a microphone into text, as it is said.",
    usage: "sotto listen [OPTION]...",
    discussion: """
      Listens from the moment it is started, until Ctrl-C: that finishes the
      utterance, and a second one leaves at once. On a terminal, a line on standard
      error shows the level, the state and the words that are being said, dim where
      they may still change. Finished utterances go to standard output, a line
      each, at once. jsonl writes an object for every event instead.

      Audio that could not be captured in time is told, and silence stands in for
      it, so that times stay true. A device that is unplugged is opened again when
      it is back.

      EXAMPLES:
        sotto listen
        sotto listen --device hw:CARD=Microphone,DEV=0 --endpoint patient
        sotto listen --append notes.txt --save notes.flac
        sotto listen --format jsonl | tee events.jsonl
        sotto listen --control --paused --type

      EXIT STATUS:
        0    ended by Ctrl-C, SIGTERM or --duration
        1    the model cannot be used, or an output or a command failed
        2    wrong usage
        3    the microphone is missing, in use or forbidden
        130  left at once by a second Ctrl-C

      ENVIRONMENT:
        SOTTO_MODELS     folders with models, separated by colons, searched first
        SOTTO_LISTEN_…   settings by names of options, SOTTO_LISTEN_CHUNK=320;
                         they prevail over the file sotto/listen.conf in the next,
                         which has lines like endpoint = fast, and options over them
        XDG_CONFIG_HOME  the user's configuration, ~/.config if not set
        SOTTO_CONTROL    path of the socket of --control; sotto.socket in the next
                         if not set
        XDG_RUNTIME_DIR  folder of the user's session
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("Microphone, see sotto devices.", valueName: "name"))
  var device = ALSACapture.defaultDevice

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Model by name (see sotto models) or path; two-pass, or FIRST+SECOND, for a streaming model with an attention model after it.",
      valueName: "name|path"))
  var model = ModelSearch.defaultModel

  @Option(name: .shortAndLong, help: "Format of the output.")
  var format = ListenFormat.txt

  @OptionGroup var endpoints: EndpointOptions

  @Option(
    help: ArgumentHelp(
      "Milliseconds that the model hears at once, or from one partial result to the next: more is more accurate, text appears later.",
      valueName: "ms"
    ))
  var chunk: Int?

  @Option(help: ArgumentHelp("Hypotheses kept while searching; 1 is fastest.", valueName: "n"))
  var beam = RecognizerConfiguration().beam

  @OptionGroup var languageModel: LanguageModelOptions

  @OptionGroup var biasing: BiasOptions

  @Option(help: ArgumentHelp("Threads to compute with; 0: one for each core.", valueName: "n"))
  var threads = 1

  @Option(help: ArgumentHelp("Stop after so many seconds.", valueName: "seconds"))
  var duration: Double?

  @Option(
    help: ArgumentHelp("Keep the audio in a new file, up to the moment of a kill.", valueName: "file.flac"))
  var save: String?

  @Option(help: ArgumentHelp("Append each utterance to a file.", valueName: "file"))
  var append: String?

  @Option(
    help: ArgumentHelp("Run a command for each utterance, its text on standard input.", valueName: "command"))
  var exec: String?

  @Flag(help: "Type each utterance into the focused window, by xdotool, wtype or ydotool.")
  var type = false

  @Option(help: ArgumentHelp("Type by this command, the text on standard input.", valueName: "command"))
  var typeWith: String?

  @Flag(
    help: "Obey spoken commands: new line, new paragraph, full stop, comma, question mark, scratch that...")
  var commands = false

  @Option(help: "Write numbers as words or digits; if not given, as the model hears them.")
  var numbers: NumberStyle?

  @Option(
    help: ArgumentHelp(
      "Lines said = written; sotto/replacements.txt of the user's configuration if not given.",
      valueName: "file"))
  var replacements: String?

  @Flag(help: "Take commands from sotto control.")
  var control = false

  @Flag(help: "Start paused, until sotto control start.")
  var paused = false

  @Flag(name: .shortAndLong, help: "Show no live line.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Tell what was agreed on with the device, and how long loading took.")
  var verbose = false

  @Flag(help: "Show the settings, and where each comes from.")
  var printConfig = false

  mutating func validate() throws {
    guard (1...100).contains(beam) else { throw ValidationError("--beam must be 1 to 100.") }
    guard (0...1024).contains(threads) else { throw ValidationError("--threads must be 0 to 1024.") }
    if let duration, !(duration > 0 && duration <= 1e9) {
      throw ValidationError("--duration must be above 0.")
    }
    guard !device.isEmpty else { throw ValidationError("--device needs a name.") }
    guard !paused || control else {
      throw ValidationError("--paused needs --control, or nothing would ever be heard.")
    }
    guard !type || typeWith == nil else {
      throw ValidationError("--type and --type-with exclude each other.")
    }
  }

  func run() throws {
    if printConfig { return try StandardOutput().write(configurationText(ListenSettings())) }
    var options = RecognitionStream.Options()
    options.chunkMilliseconds = chunk
    options.beam = beam
    options.endpointing = try endpoints.configuration()
    options.threads = threads
    let choice = try ModelChoice(model)
    (options.languageModel, options.secondPassLanguageModel) = try languageModel.models(for: choice)
    options.bias = try biasing.list()
    let settings = ListenSession.Settings(
      device: device, model: choice, stream: options, duration: duration,
      isVerbose: verbose, startsPaused: paused, recordingPath: save)
    let typing = type ? try UtteranceActions.typing() : typeWith.map { UtteranceActions.Typing.shell($0) }
    let actions = try UtteranceActions(append: append, command: exec, typing: typing, edits: edits())
    let server = control ? try ControlServer(path: ControlSocket.path()) : nil
    defer { server?.remove() }
    var session = try ListenSession(
      settings, output: ListenOutput(format: format, isQuiet: quiet), actions: actions, control: server)
    guard try session.run() else { throw ExitCode.failure }
  }

  private func edits() throws -> SpokenEdits {
    let folder = ListenSettings.folder(environment: ProcessInfo.processInfo.environment)
    let usual = folder.map { $0 + "/replacements.txt" }
    guard let path = replacements ?? usual.flatMap({ FileManager.default.fileExists(atPath: $0) ? $0 : nil })
    else { return SpokenEdits(withCommands: commands, numbers: numbers) }
    guard let contents = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw Failure("\(path): cannot be read as text")
    }
    return SpokenEdits(
      withCommands: commands, numbers: numbers,
      replacements: try SpokenEdits.replacements(in: contents, path: path))
  }

  /// A line a setting: its value, and where that comes from.
  private func configurationText(_ settings: ListenSettings) -> String {
    let values: [(String, String?)] = [
      ("device", device), ("model", model), ("format", format.rawValue),
      ("endpoint", endpoints.endpoint.rawValue),
      ("endpoint-rules", endpoints.endpointRules), ("numbers", numbers?.rawValue),
      ("chunk", chunk.map(String.init)), ("lm", languageModel.lm),
      ("lm-weight", languageModel.lmWeight.map { "\($0)" }),
      ("lm-bonus", languageModel.lmBonus.map { "\($0)" }),
      ("bias", biasing.bias.isEmpty ? nil : biasing.bias.joined(separator: ", ")),
      ("bias-weight", "\(biasing.biasWeight)"), ("beam", String(beam)), ("threads", String(threads)),
      ("duration", duration.map { "\($0)" }), ("save", save), ("append", append), ("exec", exec),
      ("type-with", typeWith), ("replacements", replacements), ("type", Self.word(type)),
      ("control", Self.word(control)), ("paused", Self.word(paused)), ("quiet", Self.word(quiet)),
      ("verbose", Self.word(verbose)), ("commands", Self.word(commands)),
    ]
    return values.map { name, value in
      let setting = settings.values[name]
      let source: ListenSettings.Source =
        setting.map { setting in Self.isSame(setting.value, value) ? setting.source : .option }
        ?? (Self.standard[name] == value ? .standard : .option)
      return "\(name) = \(value ?? "")  # \(source.rawValue)\n"
    }.joined()
  }

  private static func word(_ flag: Bool) -> String { flag ? "yes" : "no" }

  /// Numbers may be written in several ways.
  private static func isSame(_ written: String, _ value: String?) -> Bool {
    written == value || (Double(written) != nil && Double(written) == value.flatMap(Double.init))
  }

  private static let standard: [String: String] = [
    "device": ALSACapture.defaultDevice, "model": ModelSearch.defaultModel, "format": "txt",
    "endpoint": "balanced", "beam": String(RecognizerConfiguration().beam), "threads": "1",
    "bias-weight": "\(BiasList.defaultWeight)", "type": "no",
    "control": "no", "paused": "no", "quiet": "no", "verbose": "no", "commands": "no",
  ]
}
