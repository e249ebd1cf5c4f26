// `sotto models`: which models are installed.

import ArgumentParser
import Foundation

/// Formats of results that are not transcripts.
enum ReportFormat: String, CaseIterable, ExpressibleByArgument {
  case txt, json

  /// A value as an indented document with sorted keys.
  static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
  }
}

struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "List the models that are installed.",
    usage: "sotto models [--format FORMAT]",
    discussion: """
      Shows each model's family and whether it can follow a stream, its size, the
      bits that a weight takes, and its licence, source and file. Of two models with
      one name the first is used. A model that stands on another one (rnnt, mocha)
      needs that one's file beside its own; sizes are those of each file.

      EXAMPLES:
        sotto models
        sotto models --format json
        SOTTO_MODELS=/srv/models sotto models

      EXIT STATUS:
        0  models were found and all can be read
        1  no model was found, or one cannot be read; it is named on standard error
        2  wrong usage

      ENVIRONMENT:
        SOTTO_MODELS   folders with models, separated by colons, searched first;
                       then come share/sotto/models beside the program's bin
                       folder, models of the package that it was built in, and
                       sotto/models in the folders of the next two
        XDG_DATA_HOME  the user's data, ~/.local/share if not set
        XDG_DATA_DIRS  the system's data, /usr/local/share:/usr/share if not set
      """)

  @Option(name: .shortAndLong, help: "Format of the list.")
  var format = ReportFormat.txt

  func run() throws {
    let search = ModelSearch()
    var summaries: [ModelSummary] = []
    var isComplete = true
    for (name, path) in search.models() {
      do {
        summaries.append(try ModelSummary(name: name, path: path))
      } catch {
        isComplete = false
        Console.shared.report(explanation(of: error))
      }
    }
    switch format {
    case .json: try StandardOutput().write(ReportFormat.json(summaries))
    case .txt: try StandardOutput().write(Self.table(summaries))
    }
    if summaries.isEmpty, isComplete {
      throw Failure(
        "no models in \(search.folders.joined(separator: ", ")); set SOTTO_MODELS to where they are")
    }
    if !isComplete { throw ExitCode.failure }
  }

  static func table(_ models: [ModelSummary]) -> String {
    guard !models.isEmpty else { return "" }
    let rows =
      [["NAME", "FAMILY", "MB", "BITS", "LICENCE", "SOURCE", "PATH"]]
      + models.map { model in
        let megabytes = String(format: "%.1f", Double(model.size) / 1e6)
        let bits = String(format: "%.2f", model.bitsPerWeight)
        let suffix = "." + ModelSearch.fileExtension
        let base = model.base.map { $0.hasSuffix(suffix) ? String($0.dropLast(suffix.count)) : $0 }
        let family =
          model.family + (base.map { " on \($0)" } ?? "") + (model.isStreaming ? ", streams" : "")
        return [model.name, family, megabytes, bits, model.licence, model.source, model.path]
      }
    let widths = rows[0].indices.map { column in rows.map { $0[column].columns }.max() ?? 0 }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        switch column {
        case 2, 3: cell.leftPadded(to: widths[column])
        case row.count - 1: cell
        default: cell.rightPadded(to: widths[column])
        }
      }
      return cells.joined(separator: "  ") + "\n"
    }.joined()
  }
}
