// `sotto lm`: language models.

import ArgumentParser
import Foundation
import Sotto
import SottoDecoding

struct LanguageModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lm", abstract: "Make language models.",
    subcommands: [BuildLanguageModelCommand.self])
}

struct BuildLanguageModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build",
    abstract: "Make a language model from text or from an ARPA file.",
    usage: "sotto lm build [OPTION]... INPUT... OUTPUT",
    discussion: """
      Counts the word pieces of a model in text (a sentence or paragraph a line) and
      writes n-grams with modified Kneser-Ney smoothing, pruned to a size. Streaming
      models read numbers as they are spoken, and sentence by sentence; for others
      text should be written as they write: with case, punctuation and digits. A file
      that begins with \\data\\ is read as an ARPA model of word pieces instead.

      EXAMPLES:
        sotto lm build notes.txt letters.txt mine.safetensors
        sotto lm build --order 3 --size 2 notes.txt small.safetensors
        sotto transcribe --model stream-ctc --lm mine.safetensors talk.wav

      EXIT STATUS:
        0  the model is written
        1  an input cannot be used, or the output cannot be written
        2  wrong usage
      """)

  @Argument(help: ArgumentHelp("Text or an ARPA file, and the file to write.", valueName: "input output"))
  var files: [String]

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Model whose pieces are used.", valueName: "name|path"))
  var model = "stream-ctc"

  @Option(
    help: ArgumentHelp(
      "Pieces of the longest n-grams, 2 to 5; of an attention model 2 to 4. By default as many as can be.",
      valueName: "n"))
  var order: Int?

  @Option(help: ArgumentHelp("Largest size of the file, in MB.", valueName: "MB"))
  var size = 6.0

  @Option(help: "Licence of the text, noted in the file.")
  var licence = "unknown"

  @Option(help: "Where the text comes from, noted in the file.")
  var source = "text given by the user"

  mutating func validate() throws {
    guard files.count >= 2 else { throw ValidationError("Give at least one input, and the output.") }
    guard (2...5).contains(order ?? 2) else { throw ValidationError("--order must be 2 to 5.") }
    guard size > 0, size <= 1000 else {
      throw ValidationError("--size must be more than 0 and at most 1000.")
    }
  }

  func run() throws {
    let (inputs, output) = (files.dropLast(), files[files.count - 1])
    do {
      var builder = try LanguageModelBuilder(modelPath: ModelSearch().path(of: model), order: order)
      var arpa: String?
      for input in inputs {
        let text = try Self.text(of: input)
        if text.drop(while: \.isWhitespace).hasPrefix("\\data\\") {
          guard inputs.count == 1 else { throw UsageError("an ARPA file is the only input") }
          arpa = text
        } else {
          for line in text.split(separator: "\n") { builder.add(line) }
        }
      }
      let model =
        if let arpa { try builder.model(arpa: arpa) } else {
          try builder.build(bytes: Int(size * 1e6))
        }
      try LanguageModelFile.write(
        model, for: builder.vocabulary, licence: licence, source: source, to: output)
      let counts = model.levels.map { String($0.count) }.joined(separator: ", ")
      print("\(output): n-grams of 1 to \(model.order) pieces: \(counts)")
    } catch let error as UsageError {
      throw error
    } catch let error as Failure {
      throw error
    } catch let error as SottoDecoding.DecodingError {
      // Of an ARPA file, which is the only input.
      throw Failure("\(inputs[0]): \(error)")
    } catch {
      throw Failure(explanation(of: error))
    }
  }

  private static func text(of path: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure("\(path): cannot be read")
    }
    return String(decoding: data, as: UTF8.self)
  }
}
