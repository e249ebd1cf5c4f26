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
    discussion: """
      Reads a float model (safetensors, as the importers in tools/ write it) and
      writes one whose matrices are in binary coding. Convolutions, norms,
      biases and positions stay in float16.

      Examples:
        sotto quantize float.safetensors tiny.en.safetensors --bits 5
        sotto quantize float.safetensors tiny.en.safetensors \\
          --recipe tiny.en.json --calibrate speech/*.wav
      """)

  @Argument(help: "The float model.", completion: .file(extensions: ["safetensors"]))
  var input: String

  @Argument(help: "The model to write.", completion: .file(extensions: ["safetensors"]))
  var output: String

  @Option(help: "Planes, that is bits a weight without scales, 1 to 8.")
  var bits = 5

  @Option(help: "Inputs that share scales: a multiple of 8, or “row”. (default: 128)", transform: Self.group)
  var group = QuantizationRecipe.Group.inputs(128)

  @Option(help: "Rules for single tensors, a JSON file; replaces --bits and --group.", completion: .file())
  var recipe: String?

  @Option(
    name: .long, parsing: .upToNextOption,
    help: "Recordings to measure the layers' inputs on, so that errors fall where they matter least.",
    completion: .file())
  var calibrate: [String] = []

  @Option(help: "Threads; 0: one for each core.")
  var threads = 0

  @Flag(help: "Print nothing but errors.")
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
    let moments = calibrate.isEmpty ? [:] : try moments(showsProgress: showsProgress)
    let report = try ModelQuantizer.quantize(
      input: model, output: output, recipe: recipe, moments: moments, threads: threads
    ) { name, index, count in
      if showsProgress { write("\r\u{1b}[K[\(index + 1)/\(count)] \(name)", to: .standardError) }
    }
    if showsProgress { write("\r\u{1b}[K", to: .standardError) }
    if !quiet { write(QuantizationTable(report).text, to: .standardOutput) }
  }

  /// Second moments of each matrix's inputs on the recordings, by tensor.
  private func moments(showsProgress: Bool) throws -> [String: Matrix] {
    let files = try calibrate.flatMap { path in
      AudioFolder.isDirectory(path) ? try AudioFolder.files(in: path, recursive: true) : [path]
    }
    return try SecondMoments.measure(modelPath: input, recordings: files.count, threads: threads) { index in
      if showsProgress { write("\r\u{1b}[Kcalibrating [\(index + 1)/\(files.count)]", to: .standardError) }
      return try AudioInput(files[index]).open(rate: 16_000, channels: .mix)
    }
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
