// `sotto quantize`: a float model in, a model in binary coding out.

import ArgumentParser
import Foundation
import Sotto
import SottoAudio
import SottoKernels
import SottoModels

struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Code a model's weights in a few bits each.",
    usage: "sotto quantize [OPTION]... INPUT OUTPUT",
    discussion: """
      Reads a float model (safetensors, as the importers in tools/ write it) and
      writes one whose matrices are in binary coding: sums of planes of +1 and -1,
      each with a scale. Norms, biases and positions stay in float16.
      The result is the same at each run, whatever the number of threads.

      --calibrate measures the layers' inputs on recordings of speech and lets the
      errors of coding fall where they matter least. A recipe sets bits and groups
      for single tensors; docs/model-file.md describes it.

      Prints a table with the size and error of each tensor.

      EXAMPLES:
        sotto quantize float.safetensors small.safetensors
        sotto quantize --bits 4 --group row float.safetensors small.safetensors
        sotto quantize float.safetensors small.safetensors --calibrate speech/*.wav
        sotto quantize --recipe recipe.json float.safetensors small.safetensors

      EXIT STATUS:
        0  the model is written
        1  the model, the recipe or a recording cannot be used, or the output cannot
           be written; nothing is left behind
        2  wrong usage
      """)

  @Argument(
    help: ArgumentHelp("The float model.", valueName: "input"), completion: .file(extensions: ["safetensors"])
  )
  var input: String

  @Argument(
    help: ArgumentHelp("The model to write. It appears when it is complete.", valueName: "output"),
    completion: .file(extensions: ["safetensors"]))
  var output: String

  @Option(help: ArgumentHelp("Planes, that is bits a weight without scales, 1 to 8.", valueName: "n"))
  var bits = 5

  @Option(
    help: ArgumentHelp(
      "Inputs that share scales: a multiple of 8, or row for all of them. (default: 128)", valueName: "n|row"),
    transform: Self.group)
  var group = QuantizationRecipe.Group.inputs(128)

  @Option(
    help: ArgumentHelp(
      "Rules for single tensors, a JSON file; replaces --bits and --group.", valueName: "file"),
    completion: .file())
  var recipe: String?

  @Option(
    name: .long, parsing: .upToNextOption,
    help: ArgumentHelp("Recordings of speech, or folders, to calibrate with.", valueName: "audio"),
    completion: .file())
  var calibrate: [String] = []

  @Option(
    help: ArgumentHelp(
      "Where --calibrate keeps what it measures, to be used again without recordings.", valueName: "file"),
    completion: .file())
  var moments: String?

  @Option(help: ArgumentHelp("Threads to compute with; 0: one for each core.", valueName: "n"))
  var threads = 0

  @Flag(name: .shortAndLong, help: "Show no progress and no table.")
  var quiet = false

  private static func group(_ text: String) throws -> QuantizationRecipe.Group {
    guard let group = QuantizationRecipe.Group(text) else {
      throw ValidationError("“\(text)” is neither a multiple of 8 nor “row”.")
    }
    return group
  }

  func validate() throws {
    if !(1...8).contains(bits) { throw ValidationError("--bits must be 1 to 8.") }
    if !(0...1024).contains(threads) { throw ValidationError("--threads must be 0 to 1024.") }
  }

  func run() throws {
    let recipe =
      try recipe.map(QuantizationRecipe.init(path:)) ?? QuantizationRecipe(bits: bits, group: group)
    let model = try ModelFile(path: input)
    let showsProgress = !quiet && isatty(STDERR_FILENO) == 1
    let moments = try moments(of: model, showsProgress: showsProgress)
    let report = try ModelQuantizer.quantize(
      input: model, output: output, recipe: recipe, moments: moments, threads: threads
    ) { name, index, count in
      if showsProgress { write("\r\u{1b}[K[\(index + 1)/\(count)] \(name)", to: .standardError) }
    }
    if showsProgress { write("\r\u{1b}[K", to: .standardError) }
    if !quiet { try StandardOutput().write(QuantizationTable(report).text) }
  }

  /// Second moments of each matrix's inputs on the recordings, by tensor; none without calibration.
  private func moments(of model: ModelFile, showsProgress: Bool) throws -> [String: Matrix] {
    if calibrate.isEmpty { return try moments.map { try SecondMoments.read($0, of: model) } ?? [:] }
    let files = try calibrate.flatMap { path in
      AudioFolder.isDirectory(path) ? try AudioFolder.files(in: path, recursive: true) : [path]
    }
    let measured = try SecondMoments.measure(
      modelPath: input, recordings: files.count, threads: threads
    ) { index in
      if showsProgress { write("\r\u{1b}[Kcalibrating [\(index + 1)/\(files.count)]", to: .standardError) }
      return try AudioInput(files[index]).open(rate: 16_000, channels: .mix)
    }
    if let moments { try SecondMoments.write(measured, of: model, to: moments) }
    return measured
  }

  private func write(_ text: String, to handle: FileHandle) { try? handle.write(contentsOf: Data(text.utf8)) }
}

/// The report as a table for people.
struct QuantizationTable {
  let report: QuantizationReport

  init(_ report: QuantizationReport) { self.report = report }

  var text: String {
    let isCalibrated = report.entries.contains { $0.outputError != nil }
    var rows = [
      ["tensor", "shape", "planes", "bits/weight", "error"] + (isCalibrated ? ["output error"] : [])
    ]
    for entry in report.entries {
      let planes = zip(entry.planes, entry.rows)
        .map { entry.planes.count == 1 ? "\($0)" : "\($0)×\($1)" }.joined(separator: " ")
      var row = [
        entry.name, "\(entry.outputs)×\(entry.inputs)", planes, Self.number(entry.bitsPerWeight, 2),
        Self.number(entry.relativeError, 4),
      ]
      if isCalibrated { row.append(entry.outputError.map { Self.number($0, 4) } ?? "-") }
      rows.append(row)
    }
    let totals = """
      coded: \(report.codedCount) weights at \(Self.number(report.codedBitsPerWeight, 2)) bits; \
      float16: \(report.uncodedCount); all: \(Self.number(report.bitsPerWeight, 2)) bits a weight
      file: \(Self.megabytes(report.inputByteCount)) MB before, \(Self.megabytes(report.outputByteCount)) MB after

      """
    return Self.align(rows) + totals
  }

  private static func align(_ rows: [[String]]) -> String {
    let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + padding : padding + cell
      }
      return cells.joined(separator: "  ") + "\n"
    }.joined()
  }

  private static func number(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }

  private static func megabytes(_ bytes: Int) -> String { number(Double(bytes) / 1e6, 1) }
}
