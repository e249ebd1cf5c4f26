// `sotto compare`: which variant is best, on one's own recordings and machine.

import ArgumentParser
import Foundation
import SottoCompare
import SottoDecoding

/// Formats of a comparison.
enum ComparisonFormat: String, CaseIterable, ExpressibleByArgument {
  case txt, json, csv, md
}

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare models and their options on your own recordings.",
    usage: "sotto compare [OPTION]... INPUT...",
    discussion: """
      An input is a file of JSON lines with "audio" and "text", a folder with
      recordings and a .txt beside each, a folder of Kaldi's kind (wav.scp, text), a
      tree of LibriSpeech's kind (*.trans.txt), or a recording. Where there are no
      texts, it tells how far the variants agree, and how fast they are.

      Each variant runs in a process of its own: word and character error rates with
      95 % intervals, and how sure a difference from the first variant is; computing
      time, load time, memory; the time from speech to its first text, and from its
      end to the final text, as a listener would wait.

      A model's options follow a colon: beam, chunk, endpoint, endpoint-rules, pause,
      lm, lm-weight, lm-bonus, bias, bias-weight, live (hear as sotto listen does),
      full-window, carry-text, threads, bits (quantize a model first).

      EXAMPLES:
        sotto compare samples
        sotto compare --model tiny.en --model tiny.en:beam=1 list.jsonl
        sotto compare --model tiny.en:live,endpoint=fast --html report.html talks
        sotto compare --noise babble:20,10,0 --telephone --model tiny.en talks
        sotto compare --results r.jsonl --limit 200 --format md list.jsonl

      EXIT STATUS:
        0    everything was measured
        1    an input or a variant failed; each is named on standard error
        2    wrong usage
        4    a rule of --fail-if is broken
        130  interrupted; with --results, the next run goes on from there
      """)

  /// Exit status where a rule is broken.
  static let gateStatus: Int32 = 4

  @Argument(help: ArgumentHelp("Lists, folders or recordings.", valueName: "input"))
  var inputs: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Model by name or path, with options; repeat it. Without, all that are installed.",
      valueName: "name[:option=value,...]"))
  var model: [String] = []

  @Option(
    help: ArgumentHelp(
      "Another program that prints what it hears; {wav} is a copy in 16-bit WAV, 16 kHz; with {stdin} it stays and reads paths.",
      valueName: "name=command {audio}"))
  var peer: [String] = []

  @Option(
    help: ArgumentHelp(
      "Keep what is measured, and take over what is there already.", valueName: "file"))
  var results: String?

  @Option(help: ArgumentHelp("Draw so many utterances at random.", valueName: "n"))
  var limit: Int?

  @Option(help: ArgumentHelp("Of the drawing, and of noises.", valueName: "n"))
  var seed: UInt64 = 1

  @Flag(inversion: .prefixedNo, help: "Normalise texts before they are compared.")
  var normalize = true

  @Option(
    help: ArgumentHelp(
      "Hear it in noise, too: babble (other inputs), white or pink, dB below speech.",
      valueName: "noise:dB,..."))
  var noise: [String] = []

  @Flag(help: "Hear it over a telephone line, too.")
  var telephone = false

  @Flag(help: "Hear it in a room that reverberates, too.")
  var reverb = false

  @Option(help: ArgumentHelp("Hear it faster (or slower), too.", valueName: "factor"))
  var speed: [Double] = []

  @Flag(help: "All of these at once, instead of one by one: faster, in a room, in noise, by telephone.")
  var combine = false

  @Option(help: ArgumentHelp("Threads of each model; 0: one for each core.", valueName: "n"))
  var threads = 0

  @Option(name: .shortAndLong, help: "Format of the output.")
  var format = ComparisonFormat.txt

  @Option(
    help: ArgumentHelp(
      "Columns of txt and md, by the first word of their titles: wer,cpu,size.", valueName: "name,..."))
  var columns: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("File to write.", valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp("Write a report with charts, texts and audio: one page.", valueName: "file"))
  var html: String?

  @Option(help: ArgumentHelp("Audio and spectrograms in the report, at most.", valueName: "MB"))
  var mediaLimit = 20.0

  @Option(help: ArgumentHelp("An earlier run's output in json.", valueName: "file"))
  var baseline: String?

  @Option(
    help: ArgumentHelp(
      "Rule to keep: 'wer>12', 'wer>+0.5' or 'rtf>+10%' against the baseline.", valueName: "rule"))
  var failIf: [String] = []

  @Flag(name: .shortAndLong, help: "Show no progress.")
  var quiet = false

  func validate() throws {
    guard !inputs.isEmpty, !inputs.contains("") else { throw ValidationError("An input has an empty name.") }
    if let limit, limit < 1 { throw ValidationError("--limit must be at least 1.") }
    guard (0...1024).contains(threads) else { throw ValidationError("--threads must be 0 to 1024.") }
    guard speed.allSatisfy({ (0.25...4).contains($0) }) else {
      throw ValidationError("--speed must be 0.25 to 4.")
    }
    guard mediaLimit >= 0, mediaLimit <= 2000 else {
      throw ValidationError("--media-limit must be 0 to 2000.")
    }
    for name in chosen ?? [] where !ComparisonColumn.names.contains(name) {
      throw ValidationError(
        "--columns: no column “\(name)”\(NearestNames.hint(name, among: ComparisonColumn.names)); "
          + "there are \(ComparisonColumn.names.joined(separator: ", ")).")
    }
    guard output != "", html != "", results != "" else { throw ValidationError("A file has an empty name.") }
  }

  /// The names of `--columns`.
  private var chosen: [String]? {
    columns?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
  }

  /// Seconds in which the room's sound falls by 60 dB.
  private static let reverberation = 0.6

  func run() throws {
    let rules = try specified { try failIf.map { try Gate($0) } }
    if rules.contains(where: \.isRelative), baseline == nil {
      throw UsageError("a rule against an earlier run needs --baseline")
    }
    let earlier = try baseline.map(Self.readBaseline)
    let conditions = try conditions()
    var runners = try VariantRunners(models: model, peers: peer, threads: threads)
    var corpus = Corpus(paths: inputs)
    for problem in corpus.problems { Console.shared.report(problem) }
    if let limit { corpus.sample(limit: limit, seed: seed) }
    guard !corpus.utterances.isEmpty else { throw Failure("there is nothing to hear") }
    let file = try explained { try results.map { try ResultsFile(path: $0) } ?? .temporary() }
    if file.resumed > 0, !quiet {
      Console.shared.report("\(file.path): \(file.resumed) measurements are there already")
    }
    try runners.quantize(showsProgress: !quiet && Console.shared.isTerminal)
    let audio = PreparedAudio(corpus: corpus, seed: seed)
    let run = ComparisonRun(
      corpus: corpus, conditions: conditions, results: file, audio: audio,
      showsProgress: !quiet && Console.shared.isTerminal)
    try explained { try run.run(runners.runners) }

    let scoring = Scoring(
      corpus: corpus, results: file, normalizer: normalize ? TextNormalizer() : nil, seed: audio.seed)
    let entries = runners.runners.map(\.entry)
    let comparison = Comparison(setting: setting(corpus), rows: scoring.rows(entries, conditions))
    try write(comparison)
    if let html { try writeReport(comparison, scoring, entries, conditions, to: html) }
    try checkRules(rules, comparison, baseline: earlier)
    let hasFailed = comparison.rows.contains { $0.failed > 0 || $0.utterances < corpus.utterances.count }
    if !corpus.problems.isEmpty || run.failures > 0 || hasFailed { throw ExitCode.failure }
  }

  private func conditions() throws -> [Condition] {
    try specified {
      let noises = try noise.flatMap { try Condition.noises($0) }
      let telephones: [Condition] = telephone ? [.telephone] : []
      let rooms: [Condition] = reverb ? [.reverb(Self.reverberation)] : []
      let speeds = speed.map { Condition.speed($0) }
      // In the order in which sound meets them.
      let conditions =
        [.clean]
        + (combine
          ? Condition.combinations([speeds, rooms, noises, telephones])
          : noises + telephones + rooms + speeds)
      var seen: Set<Condition> = []
      return conditions.filter { seen.insert($0).inserted }
    }
  }

  private func setting(_ corpus: Corpus) -> Comparison.Setting {
    let words = CommandLine.arguments.dropFirst().map { word in
      word.allSatisfy { $0.isLetter || $0.isNumber || "-_./:=,+@%".contains($0) } && !word.isEmpty
        ? word : word.quotedForShell
    }
    return Comparison.Setting(
      version: SottoCommand.version, command: (["sotto"] + words).joined(separator: " "),
      machine: ProcessFacts.machine, corpus: inputs, utterances: corpus.utterances.count,
      seconds: (corpus.duration * 1000).rounded() / 1000, normalized: normalize)
  }

  private func write(_ comparison: Comparison) throws {
    let width = isatty(STDOUT_FILENO) == 1 && output == nil ? Console.shared.width : Self.widthOfFiles
    let text =
      switch format {
      case .txt: ComparisonTable.text(comparison, chosen: chosen, width: width)
      case .json: try Self.json(comparison)
      case .csv: ComparisonTable.csv(comparison)
      case .md: ComparisonTable.markdown(comparison, chosen: chosen)
      }
    let output: any Output = try output.map { try OutputFile($0) } ?? StandardOutput()
    try output.write(text)
    try output.commit()
  }

  private func writeReport(
    _ comparison: Comparison, _ scoring: Scoring, _ entries: [Scoring.Entry], _ conditions: [Condition],
    to path: String
  ) throws {
    let file = try OutputFile(path)
    var report = ReportWriter(comparison, scoring: scoring, variants: entries, conditions: conditions)
    report.mediaLimit = Int(mediaLimit * 1e6)
    try report.write { try file.write($0) }
    try file.commit()
  }

  /// Columns of a table that no terminal shows: what `COLUMNS` says, or as many as most windows have.
  private static var widthOfFiles: Int {
    ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }.map { max($0, 40) } ?? 100
  }

  private static func json(_ comparison: Comparison) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return String(decoding: try encoder.encode(comparison), as: UTF8.self) + "\n"
  }

  private static func readBaseline(_ path: String) throws -> Comparison {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure("\(path): cannot be read")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let comparison = try? decoder.decode(Comparison.self, from: data) else {
      throw Failure("\(path): is no output of sotto compare --format json")
    }
    return comparison
  }

  private func checkRules(_ rules: [Gate], _ comparison: Comparison, baseline: Comparison?) throws {
    let broken = try explained { try rules.flatMap { try $0.broken(in: comparison, baseline: baseline) } }
    for message in broken { Console.shared.report(message) }
    if !broken.isEmpty { throw ExitCode(Self.gateStatus) }
  }

  /// What was asked for cannot be: wrong usage.
  private func specified<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as ComparisonError { throw UsageError(error.description) }
  }

  private func explained<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as ComparisonError { throw Failure(error.description) }
  }
}
