// `sotto transcribe`: recordings in, text out.

import ArgumentParser
import Foundation
import Sotto
import SottoAudio
import SottoDecoding
import SottoFormats

extension TranscriptFormatName: ExpressibleByArgument {}
extension Endpointing.Preset: ExpressibleByArgument {}

/// What `--channel` chooses.
enum ChannelChoice: String, CaseIterable, ExpressibleByArgument {
  case mix, left, right, each
}

struct TranscribeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transcribe",
    abstract: "Turn recordings into text.",
    usage: "sotto transcribe [OPTION]... INPUT...",
    discussion: """
      Reads WAV, FLAC, Ogg, Opus, MP3 and what else libsndfile knows, at any rate
      and with any number of channels. A folder stands for the audio files in it; -
      stands for standard input.

      txt writes a line for each segment of speech; srt and vtt are subtitles; tsv
      is a table with times in milliseconds. json is one document; jsonl writes an
      object for each recording as soon as it is done, with "error" in place of
      "text" where one failed. Word times appear in txt, vtt, tsv, json and jsonl,
      and further readings in txt, json and jsonl.

      On a terminal, a line on standard error shows how far it has come.

      EXAMPLES:
        sotto transcribe talk.wav
        sotto transcribe --format srt --output talk.srt talk.mp3
        sotto transcribe --recursive --format jsonl recordings > recordings.jsonl
        sotto transcribe --format vtt --output subtitles/ one.wav two.flac
        sotto transcribe --channel each --format json call.wav
        sotto transcribe --model stream-ctc --chunk 320 --partials talk.wav
        sotto transcribe --bias names.txt --bias "Aldermere Quay" talk.wav
        ffmpeg -i film.mkv -f wav - | sotto transcribe -
        arecord -f S16_LE -r 16000 -t raw -d 9 | sotto transcribe --raw 16000:s16:1 -

      EXIT STATUS:
        0    every input was transcribed
        1    an input failed or was damaged; it is named on standard error, and the
             others are done
        2    wrong usage
        130  interrupted; no half-written file stays behind

      ENVIRONMENT:
        SOTTO_MODELS  folders with models, separated by colons, searched first
        TMPDIR        where a pipe is stored whose format has to be sought in
      """)

  @Argument(help: ArgumentHelp("Audio files, folders, or - for standard input.", valueName: "input"))
  var inputs: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Model by name (see sotto models) or path; two-pass, or FIRST+SECOND, for a streaming model with an attention model after it.",
      valueName: "name|path"))
  var model = ModelSearch.defaultModel

  @Option(name: .shortAndLong, help: "Format of the output.")
  var format = TranscriptFormatName.txt

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "File to write, or a folder (one that exists, or a name that ends in /) for a file per recording. "
        + "A file appears when it is complete.",
      valueName: "file|folder"))
  var output: String?

  @Option(help: "Channel to hear; each: every channel by itself.")
  var channel = ChannelChoice.mix

  @Option(
    help: ArgumentHelp(
      "The inputs are samples without a header, for example 16000:s16:1.", valueName: "rate:format:channels"))
  var raw: String?

  @Flag(name: .shortAndLong, help: "Search folders within folders, too.")
  var recursive = false

  @Option(help: ArgumentHelp("Hypotheses kept while searching; 1 is fastest.", valueName: "n"))
  var beam = RecognizerConfiguration().beam

  @Flag(help: "Give each word with its times and confidence.")
  var wordTimes = false

  @Option(help: ArgumentHelp("Readings of each segment, at most as many as the beam.", valueName: "n"))
  var nBest = 1

  @Option(help: ArgumentHelp("Threads to compute with; 0: one for each core.", valueName: "n"))
  var threads = 0

  @Option(
    help: ArgumentHelp(
      "Milliseconds that a streaming model hears at once: more is more accurate, text appears later. With others, the time from one partial result to the next.",
      valueName: "ms"))
  var chunk: Int?

  @OptionGroup var languageModel: LanguageModelOptions

  @OptionGroup var biasing: BiasOptions

  @OptionGroup var endpoints: EndpointOptions

  @Flag(help: "Hear it as sotto listen would, and show text as it comes, with times in seconds (txt, jsonl).")
  var partials = false

  @Flag(help: "Fill the model's window with silence frame by frame, as the original does: slower.")
  var fullWindow = false

  @Flag(help: "Start each piece of a recording from the text before it; errors carry over, too.")
  var carryText = false

  @Flag(name: .shortAndLong, help: "Show no progress.")
  var quiet = false

  mutating func validate() throws {
    guard !inputs.contains("") else { throw ValidationError("An input has an empty name.") }
    guard inputs.count(where: { $0 == "-" }) <= 1 else {
      throw ValidationError("Standard input can be read only once.")
    }
    guard (1...100).contains(beam) else { throw ValidationError("--beam must be 1 to 100.") }
    guard nBest >= 1 else { throw ValidationError("--n-best must be at least 1.") }
    guard nBest <= beam else {
      throw ValidationError("--n-best must not be larger than --beam, which is \(beam).")
    }
    guard (0...1024).contains(threads) else { throw ValidationError("--threads must be 0 to 1024.") }
    guard !partials || format.holdsPartials else {
      throw ValidationError("--partials needs --format txt or jsonl.")
    }
    guard !partials || channel != .each || format.holdsObjects else {
      throw ValidationError("--partials of each channel needs --format jsonl.")
    }
    guard output != "" else { throw ValidationError("--output needs the name of a file or folder.") }
  }

  func run() throws {
    let recordings = try Recordings(arguments: inputs, isRecursive: recursive, raw: rawFormat())
    let destination = try destination(for: recordings)
    var configuration = RecognizerConfiguration()
    configuration.beam = beam
    configuration.nBest = nBest
    configuration.wordTimes = wordTimes
    configuration.threads = threads
    configuration.fullWindow = fullWindow
    configuration.carryText = carryText
    configuration.chunkMilliseconds = chunk
    configuration.endpointing = try endpoints.configuration()
    configuration.bias = try biasing.list()
    let recognizer: Recognizer
    do {
      let choice = try ModelChoice(model)
      (configuration.languageModel, configuration.secondPassLanguageModel) = try languageModel.models(
        for: choice)
      recognizer = try choice.recognizer(configuration)
    } catch let error as Failure {
      throw error
    } catch {
      throw Failure(explanation(of: error))
    }
    guard recognizer.isStreaming || chunk == nil || partials else {
      throw UsageError(
        "\(recognizer.modelName) hears whole pieces of speech: --chunk needs --partials, or a streaming model; sotto models lists them"
      )
    }
    var transcription = Transcription(
      recognizer: recognizer, channel: channel, format: format,
      options: FormatOptions(
        hasSeveralRecordings: recordings.recordings.count > 1 || recordings.hasFolder,
        hasChannels: channel == .each, hasWords: wordTimes),
      showsProgress: !quiet && Console.shared.isTerminal, showsPartials: partials)
    guard try transcription.run(recordings, into: destination) else { throw ExitCode.failure }
  }

  private func rawFormat() throws -> RawFormat? {
    do {
      return try raw.map { try RawFormat($0) }
    } catch {
      throw UsageError(explanation(of: error))
    }
  }

  private func destination(for recordings: Recordings) throws -> Destination {
    let isCollection = recordings.recordings.count > 1
    if isCollection, !format.holdsSeveralRecordings, !(output.map(isFolder) ?? false) {
      throw UsageError(
        "subtitles of several recordings do not fit into one file; give a folder, as in --output subtitles/"
      )
    }
    guard let output else { return .standardOutput }
    if isFolder(output) { return .folder(output) }
    for recording in recordings.recordings where isSameFile(recording.input.argument, output) {
      throw UsageError("--output \(output) would replace an input")
    }
    return .file(output)
  }

  private func isFolder(_ path: String) -> Bool { path.hasSuffix("/") || AudioFolder.isDirectory(path) }

  private func isSameFile(_ left: String, _ right: String) -> Bool {
    var a = stat()
    var b = stat()
    guard stat(left, &a) == 0, stat(right, &b) == 0, a.st_mode & S_IFMT == S_IFREG else { return false }
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino
  }
}
