// `--bias` and `--bias-weight`: words and phrases to listen for.

import ArgumentParser
import Foundation
import SottoDecoding

struct BiasOptions: ParsableArguments {
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Phrase to listen for, or a file with a phrase a line; phrase:2 counts twice. May be repeated.",
      valueName: "file|phrase"))
  var bias: [String] = []

  @Option(help: ArgumentHelp("How much the phrases of --bias count.", valueName: "x"))
  var biasWeight = BiasList.defaultWeight

  func validate() throws {
    if let reason = BiasList.fault(ofWeight: biasWeight) {
      throw ValidationError("--bias-weight: \(reason).")
    }
  }

  /// nil where nothing is listened for.
  ///
  /// - Throws: `Failure` naming the file and the line, or the phrase, that cannot be used.
  func list() throws -> BiasList? {
    guard !bias.isEmpty else { return nil }
    return BiasList(try bias.flatMap { try Self.phrases($0) }, weight: biasWeight)
  }

  /// The phrases of a file, or the one that the argument is.
  ///
  /// - Throws: `Failure`, as `list()`.
  static func phrases(_ argument: String) throws -> [BiasPhrase] {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder)
    guard (exists && !isFolder.boolValue) || isPath(argument) else {
      do {
        return [try BiasList.phrase(argument)]
      } catch {
        throw Failure("--bias: \(explanation(of: error))")
      }
    }
    guard exists else { throw Failure("\(argument): no such file") }
    guard let bytes = FileManager.default.contents(atPath: argument) else {
      throw Failure("\(argument): cannot be read")
    }
    do {
      return try BiasList.phrases(inFile: bytes)
    } catch {
      throw Failure("\(argument): \(explanation(of: error))")
    }
  }

  /// Whether what is not there must have been meant as a file.
  private static func isPath(_ argument: String) -> Bool {
    argument.contains("/") || argument.hasSuffix(".txt")
  }
}
