// `sotto score`: how many words are wrong.

import ArgumentParser
import SottoDecoding

struct ScoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Count the errors of transcripts against a reference.",
    usage: "sotto score [OPTION]... REFERENCE HYPOTHESIS",
    discussion: """
      Both files hold JSON lines: objects with "text", and the recording in "audio",
      "file" or "id". Recordings are matched by name, without folder and extension,
      so that the output of sotto transcribe --format jsonl can be compared
      directly. Either may be -, standard input.

      Word and character error rates are counted over all recordings together, after
      a normaliser for English that makes case, punctuation, numbers and spelling
      variants equal. A recording that is missing from the hypothesis counts as all
      its words deleted. The interval is a bootstrap over the recordings, the same
      at each run.

      EXAMPLES:
        sotto score reference.jsonl hypothesis.jsonl
        sotto score --per-recording --format json reference.jsonl hypothesis.jsonl
        sotto transcribe -f jsonl talks | sotto score reference.jsonl -

      EXIT STATUS:
        0  all recordings of the reference were compared
        1  a file or line cannot be used, or recordings are missing; they are named
        2  wrong usage
      """)

  @Argument(help: ArgumentHelp("What was said.", valueName: "reference"))
  var reference: String

  @Argument(help: ArgumentHelp("What was recognised.", valueName: "hypothesis"))
  var hypothesis: String

  @Flag(inversion: .prefixedNo, help: "Normalise both texts before they are compared.")
  var normalize = true

  @Option(name: .shortAndLong, help: "Format of the result.")
  var format = ReportFormat.txt

  @Flag(help: "Show each recording with its alignment.")
  var perRecording = false

  func validate() throws {
    if reference == "-", hypothesis == "-" { throw ValidationError("Only one of the files can be -.") }
  }

  func run() throws {
    let reference = try ScoreInput(path: reference)
    let hypothesis = try ScoreInput(path: hypothesis)
    let report = ScoreReport(
      reference: reference, hypothesis: hypothesis, isNormalized: normalize, givesEach: perRecording)
    for name in report.missing {
      let reason = hypothesis.failed[name].map { "failed (\($0))" } ?? "missing from \(self.hypothesis)"
      Console.shared.report("\(name): \(reason); counted as all words deleted")
    }
    for name in report.extra {
      Console.shared.report("\(name): not in \(self.reference); not counted")
    }
    try StandardOutput().write(format == .json ? ReportFormat.json(report) : report.text)
    if !report.missing.isEmpty { throw ExitCode.failure }
  }
}
