// `sotto transcribe` from outside: inputs, outputs, errors.

import Foundation
import SottoTestSupport
import Testing

@Suite struct TranscribeTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("a.wav", WaveFile.noise(seconds: 0.5))
  }

  @Test func everyInputGetsAnObjectAndFailuresALine() throws {
    try folder.write("text.wav", "This is no recording.")
    try FileManager.default.createDirectory(atPath: folder("empty"), withIntermediateDirectories: true)
    let result = try Sotto.transcribe(
      "-f", "jsonl", "gone.wav", "a.wav", "text.wav", "empty", "-", in: folder)
    #expect(result.status == 1)
    let objects = try Sotto.objects(result.output)
    let failed = Set(objects.filter { $0["error"] != nil }.compactMap { $0["file"] as? String })
    #expect(failed == ["gone.wav", "text.wav", "empty", "-"])
    let done = objects.filter { $0["error"] == nil }
    #expect(done.map { $0["file"] as? String } == ["a.wav"] && done.first?["duration"] as? Double == 0.5)
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 4)
    for name in ["gone.wav", "text.wav", "empty", "standard input"] {
      #expect(lines.count { $0.hasPrefix("sotto: \(name): ") } == 1, "\(name)")
    }
  }

  @Test func standardInput() throws {
    let wave = WaveFile.noise(seconds: 0.25, rate: 8000)
    let result = try Sotto.transcribe("-f", "jsonl", "-", input: wave, in: folder)
    #expect(result.status == 0 && result.errors.isEmpty)
    #expect(try Sotto.objects(result.output).first?["duration"] as? Double == 0.25)
    let samples = wave.dropFirst(44)
    let raw = try Sotto.transcribe("-f", "jsonl", "--raw", "8000:s16:1", "-", input: samples, in: folder)
    #expect(try Sotto.objects(raw.output).first?["duration"] as? Double == 0.25)
  }

  @Test func channels() throws {
    try folder.write("b.wav", WaveFile.noise(seconds: 0.25, channels: 2))
    let each = try Sotto.transcribe("-f", "jsonl", "--channel", "each", "b.wav", "a.wav", in: folder)
    #expect(try Sotto.objects(each.output).map { $0["channel"] as? String } == ["left", "right", nil])
    let right = try Sotto.transcribe("--channel", "right", "a.wav", "b.wav", in: folder)
    #expect(right.status == 1 && right.errors.hasPrefix("sotto: a.wav: "))
  }

  @Test func outputFolder() throws {
    for name in ["in/a.wav", "in/one/a.wav", "in/one/b.wav"] {
      try folder.write(name, WaveFile.noise(seconds: 0.1))
    }
    try folder.write("in/.hidden.wav", "")
    try folder.write("out/one/b.vtt", "old")
    let result = try Sotto.transcribe(
      "-r", "-f", "vtt", "-o", "out/", "a.wav", "in", "gone.wav", in: folder)
    #expect(result.status == 1)
    let written = try folder.files().filter { $0.hasPrefix("out") }
    #expect(written == ["out/a.wav-2.vtt", "out/a.wav.vtt", "out/one/a.vtt", "out/one/b.vtt"])
    for name in written { #expect(try folder.text(name).hasPrefix("WEBVTT\n")) }
  }

  @Test func outputFile() throws {
    try folder.write("out.jsonl", "old")
    #expect(try Sotto.transcribe("-f", "jsonl", "-o", "out.jsonl", "gone.wav", in: folder).status == 1)
    #expect(try folder.text("out.jsonl") == "old")
    #expect(
      try Sotto.transcribe("-f", "jsonl", "-o", "out.jsonl", "gone.wav", "a.wav", in: folder).status == 1)
    #expect(
      try Sotto.objects(folder.text("out.jsonl")).map { $0["file"] as? String } == ["gone.wav", "a.wav"])
    #expect(try folder.files() == ["a.wav", "out.jsonl"])
    let overwriting = try Sotto.transcribe("-o", "a.wav", "a.wav", in: folder)
    #expect(overwriting.status == 2)
    let lost = try Sotto.transcribe("-o", "no/such/folder/out.txt", "a.wav", in: folder)
    #expect(lost.status == 1 && lost.errors.hasPrefix("sotto: no/such/folder/out.txt: "))
  }

  @Test func fullDisk() throws {
    let stream = try Sotto.shell("$sotto transcribe --model $model -f json a.wav > /dev/full", in: folder)
    #expect(stream.status == 1 && stream.errors.contains("No space left on device"))
    let file = try Sotto.transcribe("-f", "json", "-o", "/dev/full", "a.wav", in: folder)
    #expect(file.status == 1 && file.errors.hasPrefix("sotto: /dev/full: "))
    let help = try Sotto.shell("$sotto --help > /dev/full", in: folder)
    #expect(help.status == 1)
  }

  @Test func closedStreams() throws {
    let file = "$sotto transcribe --model $model -f jsonl -o out.jsonl gone.wav a.wav >&- 2>&- <&-"
    #expect(try Sotto.shell(file, in: folder).status == 1)
    #expect(try Sotto.objects(folder.text("out.jsonl")).count == 2)
    let stream = try Sotto.shell("$sotto transcribe --model $model -f json a.wav >&-", in: folder)
    #expect(stream.status == 1 && stream.errors.hasPrefix("sotto: standard output: "))
    let input = try Sotto.shell("$sotto transcribe --model $model - <&-", in: folder)
    #expect(input.status == 1 && input.errors.hasPrefix("sotto: standard input: "))
  }

  @Test func closedPipeEndsQuietly() throws {
    let line = "(sleep 0.2; $sotto transcribe --model $model -f jsonl a.wav a.wav; echo $? > status) | true"
    let result = try Sotto.shell(line, in: folder)
    #expect(result.errors.isEmpty)
    #expect(try folder.text("status") == "1\n")
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func interruptionLeavesNothingBehind(signal: Int32) throws {
    try folder.write("out.txt", "old")
    // A pipe that nobody writes to: the program waits, with its output begun.
    mkfifo(folder("pipe.wav"), 0o600)
    let result = try Sotto.transcribe("-o", "out.txt", "a.wav", "pipe.wav", in: folder, signal: (signal, 0.5))
    #expect(result.status == 128 + signal)
    #expect(try folder.files() == ["a.wav", "out.txt", "pipe.wav"])
    #expect(try folder.text("out.txt") == "old")
  }

  @Test func progressIsForTerminals() throws {
    // Python's pty gives the program a terminal; what the program writes to it comes out of Python.
    func onTerminal(_ arguments: String) throws -> String {
      let script =
        "import os,pty; pty.spawn([os.environ['sotto'], 'transcribe', '--model', os.environ['model']]"
      return try Sotto.shell("python3 -c \"\(script) + '\(arguments)'.split())\"", in: folder).output
    }
    let shown = try onTerminal("-o out.txt a.wav a.wav")
    #expect(shown.contains("[2/2] a.wav") && shown.contains("0%"))
    #expect(shown.hasSuffix("\r\u{1B}[K"))
    #expect(try onTerminal("--quiet -o out.txt a.wav") == "")
    #expect(try Sotto.transcribe("-o", "out.txt", "a.wav", in: folder).errors.isEmpty)
  }

  @Test func unknownModel() throws {
    try folder.write("models/small.safetensors", "")
    let result = try Sotto.run(
      ["transcribe", "-m", "huge", "a.wav"], environment: ["SOTTO_MODELS": folder("models")], in: folder)
    #expect(result.status == 1)
    #expect(result.errors.hasPrefix("sotto: no model named huge\n"))
    #expect(result.errors.contains(folder("models")) && result.errors.contains("small"))
    let path = try Sotto.run(["transcribe", "-m", "./huge.safetensors", "a.wav"], in: folder)
    #expect(path.status == 1 && path.errors.hasPrefix("sotto: ./huge.safetensors: "))
  }
}
