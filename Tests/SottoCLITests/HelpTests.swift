// The help is exactly what is stored, and its examples are understood.

import ArgumentParser
import Foundation
import SottoTestSupport
import Testing

@testable import SottoCLI

@Suite struct HelpTests {
  /// To store new texts, after looking at them:
  /// `for c in '' transcribe listen devices control models quantize score compare 'lm build'; do
  /// COLUMNS=80 sotto $c --help > Help/$(echo ${c:-sotto} | tr ' ' -).txt; done`
  @Test(arguments: [
    "sotto", "transcribe", "listen", "devices", "control", "models", "quantize", "score", "compare",
    "lm build",
  ])
  func text(name: String) throws {
    let url = try #require(
      Bundle.module.url(
        forResource: name.replacing(" ", with: "-"), withExtension: "txt", subdirectory: "Help"))
    let stored = try String(contentsOf: url, encoding: .utf8)
    let words = name.split(separator: " ").map(String.init)
    let result = try Sotto.run((name == "sotto" ? [] : words) + ["--help"])
    #expect(result.status == 0 && result.errors.isEmpty)
    #expect(result.output == stored)
    #expect(stored.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test func examples() throws {
    var count = 0
    let commands = SottoCommand.configuration.subcommands
    for command in [SottoCommand.self] + commands + commands.flatMap({ $0.configuration.subcommands }) {
      let lines = command.configuration.discussion.split(separator: "\n")
        .drop { $0 != "EXAMPLES:" }.prefix { $0 != "EXIT STATUS:" }
      for line in lines.flatMap({ $0.split(separator: "|") }) {
        let words = line.split(separator: ">")[0].split(separator: " ").map(String.init).drop {
          $0.contains("=")
        }
        guard words.first == "sotto" else { continue }
        count += 1
        #expect(throws: Never.self, "\(line)") { try SottoCommand.parseAsRoot(Array(words.dropFirst())) }
      }
    }
    #expect(count >= 20)
  }

  @Test func version() throws {
    let result = try Sotto.run(["--version"])
    #expect(result.status == 0 && result.output == "\(SottoCommand.version)\n")
  }

  @Test(arguments: [
    ["shout"], ["--frequency"], ["transcribe"], ["transcribe", "--format", "mp3", "a.wav"],
    ["transcribe", "--beam", "0", "a.wav"], ["transcribe", "--beam", "many", "a.wav"],
    ["transcribe", "--n-best", "6", "a.wav"], ["transcribe", "--threads=-1", "a.wav"],
    ["transcribe", "--channel", "middle", "a.wav"], ["transcribe", "--raw", "16000", "-"],
    ["transcribe", "--raw", "16000:s99:1", "-"], ["transcribe", "-", "-"], ["transcribe", ""],
    ["transcribe", "--output", "", "a.wav"], ["transcribe", "--format", "srt", "a.wav", "b.wav"],
    ["transcribe", "--format", "vtt", "--output", "one.vtt", "a.wav", "b.wav"],
    ["transcribe", "--partials", "--format", "srt", "a.wav"], ["transcribe", "--chunk", "long", "a.wav"],
    ["transcribe", "--partials", "--channel", "each", "a.wav"],
    ["transcribe", "--endpoint", "soon", "a.wav"],
    ["listen", "--paused"], ["listen", "--format", "srt"], ["listen", "--type", "--type-with", "cat"],
    ["listen", "--duration", "0"], ["listen", "--device", ""], ["listen", "now"],
    ["devices", "--seconds", "0"], ["control"], ["control", "jump"],
    ["models", "--format", "xml"], ["models", "tiny.en"], ["score"], ["score", "one.jsonl"],
    ["score", "-", "-"],
    ["quantize", "in"], ["quantize", "in", "out", "--bits", "9"],
    ["quantize", "in", "out", "--group", "lines"],
  ])
  func wrongUsage(arguments: [String]) throws {
    let result = try Sotto.run(arguments)
    #expect(result.status == 2)
    #expect(result.output.isEmpty && !result.errors.isEmpty)
  }
}
