// `sotto compare` from outside, with models of random weights and programs that stand for others.

import Foundation
import SottoTestSupport
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@Suite struct CompareTests {
  private static let stream = TestSignal.goldenPath("random-stream.safetensors")
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for (name, phrase) in zip(["a", "b"], try TestSignal.phrases()) {
      let samples = phrase.map { Int16($0 * 32_767) }
      try folder.write("in/\(name).wav", WaveFile.wave(samples, rate: 16_000, channels: 1))
      try folder.write("in/\(name).txt", "fourteen sixty-nine and \(name) <b>&")
    }
    // Hears one thing in a, another in b, and takes its time.
    try folder.write(
      "peer.sh", "case $1 in *a.wav) echo 1469 and a;; *) echo nothing like it; echo x >&2;; esac\n")
  }

  private var peer: [String] { ["--peer", "other=sh \(folder("peer.sh")) {audio}"] }

  private func compare(_ arguments: [String], input: String = "in") throws -> Program.Result {
    try Sotto.run(["compare", input] + arguments, in: folder)
  }

  private func rows(_ result: Program.Result) throws -> [[String: Any]] {
    let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    return try #require(object?["rows"] as? [[String: Any]])
  }

  @Test func measuresEveryKind() throws {
    let models = [
      "--model", Sotto.model, "--model", "\(Sotto.model):live,beam=1", "--model", "\(Self.stream):chunk=160",
    ]
    let result = try compare(models + peer + ["--format", "json", "--threads", "1"])
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    let rows = try rows(result)
    #expect(
      rows.map { $0["variant"] as? String } == [
        "random-model", "random-model:live,beam=1", "random-stream:chunk=160", "other",
      ])
    for row in rows {
      #expect(row["utterances"] as? Int == 2 && row["words"] as? Int == 10)
      #expect((row["cpu"] as? Double ?? -1) >= 0 && (row["wer_interval"] as? [Double])?.count == 2)
    }
    for row in rows.prefix(3) {
      #expect((row["load"] as? Double ?? 0) > 0 && (row["size"] as? Int ?? 0) > 1000)
      // Of a process of its own: more than nothing, and less than this one with all its tests.
      let memory = row["peak_memory"] as? Int ?? 0
      #expect(memory > 1_000_000 && memory < 500_000_000)
    }
    // What hears whole recordings is done no sooner than they are over.
    let final = rows[3]["final_text"] as? [String: Double]
    #expect((final?["median"] ?? 0) > 0 && rows[2]["family"] as? String == "ctc")
    // a: "1469 and a b and" less two words; b: "1469 and b b and", three words wrong and two missing.
    #expect(rows[3]["deletions"] as? Int == 4 && rows[3]["wer"] as? Double == 0.7)
    #expect(rows[3]["p"] is Double && rows[0]["p"] == nil)
  }

  @Test func stoppedAndResumed() throws {
    let arguments =
      ["--model", Self.stream, "--results", "r.jsonl", "--format", "json", "--noise", "white:10"] + peer
    let whole = try compare(arguments)
    let lines = try folder.text("r.jsonl").split(separator: "\n", omittingEmptySubsequences: false)
    func texts(_ lines: [Substring]) -> Set<String> {
      Set(
        lines.compactMap { line in
          let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
          guard let found = object?["measurement"] as? [String: Any] else { return nil }
          let parts = ["variant", "condition", "utterance", "text"].map { found[$0] as? String ?? "" }
          return parts.joined(separator: " ")
        })
    }
    #expect(texts(lines).count == 8)
    // Half of it, the last line cut.
    let half = lines.prefix(5).joined(separator: "\n") + "\n" + lines[5].prefix(40)
    try folder.write("r.jsonl", half)
    let resumed = try compare(arguments)
    #expect(resumed.status == 0 && resumed.errors.contains("are there already"), "\(resumed.errors)")
    let all = try folder.text("r.jsonl").split(separator: "\n")
    #expect(texts(all) == texts(lines) && all.prefix(5).elementsEqual(lines.prefix(5)))
    for (new, old) in zip(try rows(resumed), try rows(whole)) {
      for key in ["wer", "cer", "substitutions", "deletions", "insertions", "agreement", "p"] {
        #expect("\(new[key] ?? "")" == "\(old[key] ?? "")", "\(key)")
      }
    }
    // Nothing left to do: nothing is run.
    try folder.write("peer.sh", "exit 9\n")
    #expect(try compare(arguments).status == 0)
  }

  /// A program that stays: loads for 0.3 s, computes for each recording, and ends at the third, or where it is told to.
  @Test func residentPeer() throws {
    try folder.write(
      "stay.sh",
      """
      sleep 0.3; echo ready; n=0
      while read -r path; do
        n=$((n + 1)); i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done
        [ -e fail ] && { echo lost >&2; exit 4; }
        head -c 4 "$path"; echo " fourteen sixty-nine  and $n"
      done
      """)
    let stay = ["--peer", "stays=sh stay.sh {stdin}"]
    let result = try compare(stay + ["--format", "json", "--results", "r.jsonl"])
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    let row = try #require(try rows(result).first)
    let kept = try folder.text("r.jsonl")
    #expect(
      kept.contains("\"RIFF fourteen sixty-nine and 1\"")
        && kept.contains("\"RIFF fourteen sixty-nine and 2\""))
    #expect((row["load"] as? Double ?? 0) >= 0.3 && (row["load"] as? Double ?? 9) < 5)
    let cpu = row["cpu"] as? Double ?? 0
    #expect(cpu > 0.001 && cpu < 1, "\(cpu)")
    #expect((row["peak_memory"] as? Int ?? 0) > 100_000)
    try folder.write("fail", "")
    let failed = try compare(stay + ["--format", "json"])
    #expect(failed.status == 1)
    #expect(
      failed.errors.split(separator: "\n").count { $0.contains("exit status 4: lost") } == 2,
      "\(failed.errors)")
    let silent = try compare(["--peer", "no=true {stdin}"])
    #expect(silent.status == 1 && silent.errors.contains("say a line when it is ready"), "\(silent.errors)")
  }

  @Test func killedAndResumed() throws {
    try folder.write("slow.sh", "sleep 0.3; echo 1469 and a\n")
    let arguments = [
      "compare", "in", "--peer", "slow=sh slow.sh {audio}", "--results", "r.jsonl", "--format", "csv",
    ]
    let killed = try Sotto.run(arguments, in: folder, signal: (SIGINT, 0.6))
    #expect(killed.status == 130 || killed.status == 0)
    let result = try Sotto.run(arguments, in: folder)
    #expect(result.status == 0)
    #expect(try folder.text("r.jsonl").split(separator: "\n").count { $0.contains("measurement") } == 2)
    #expect(result.output.split(whereSeparator: \.isNewline).count == 2)
  }

  @Test func failuresAreNamed() throws {
    try folder.write(
      "list.jsonl",
      "{\"audio\": \"in/a.wav\", \"text\": \"1469 and a\"}\n{\"audio\": \"in/none.wav\"}\n{\"audio\": \"in/b.wav\", \"text\": \"b\"}\n"
    )
    try folder.write("peer.sh", "case $1 in *a.wav) echo 1469 and a;; *) echo cannot >&2; exit 3;; esac\n")
    let result = try compare(peer, input: "list.jsonl")
    #expect(result.status == 1)
    #expect(result.errors.contains("list.jsonl:2: "), "\(result.errors)")
    #expect(result.errors.contains("in/b.wav: exit status 3: cannot"), "\(result.errors)")
    // Its words count as deleted.
    #expect(result.output.contains("25.0") && result.output.contains("FAILED"), "\(result.output)")
    let bits = try compare(["--model", "\(Self.stream):chunk=640"])
    #expect(bits.status == 1 && bits.errors.contains("has no chunks of 640 ms"), "\(bits.errors)")
  }

  @Test(arguments: [
    ["--model", "randm"], ["--model", "x:bean=1"], ["--peer", "none"], ["--peer", "x=run {stdin} {wav}"],
    ["--noise", "bable:1"],
    ["--fail-if", "wer"], ["--fail-if", "wer>+1"], ["--speed", "9"], ["--limit", "0"],
  ])
  func wrongUsage(arguments: [String]) throws {
    let result = try compare(arguments)
    #expect(result.status == 2 && result.output.isEmpty && !result.errors.isEmpty, "\(result.errors)")
  }

  @Test func rules() throws {
    let first = try compare(peer + ["--format", "json", "--output", "base.json"])
    #expect(first.status == 0)
    let rules = ["--baseline", "base.json", "--fail-if", "wer>+0.5"]
    #expect(try compare(peer + rules).status == 0)
    try folder.write("peer.sh", "echo all wrong\n")
    let worse = try compare(peer + rules)
    #expect(
      worse.status == 4 && worse.errors.contains("other (clean): wer is 100, more than 70.5"),
      "\(worse.errors)")
  }

  @Test func tableFitsItsWidth() throws {
    let arguments = ["--model", "\(Sotto.model):live", "--model", Self.stream, "--telephone"] + peer
    for width in [40, 80] {
      let result = try Sotto.run(
        ["compare", "in"] + arguments, environment: ["COLUMNS": String(width)], in: folder)
      let lines = result.output.split(separator: "\n").drop { !$0.contains("VARIANT") }
      #expect(lines.count > 12 && lines.allSatisfy { $0.count <= width }, "\(result.output)")
    }
  }

  @Test func reportStandsAlone() throws {
    let result = try compare(
      [
        "--model", "\(Self.stream)", "--telephone", "--reverb", "--speed", "1.2", "--html", "r.html",
        "--quiet",
      ] + peer)
    #expect(result.status == 0, "\(result.errors)")
    let page = try folder.text("r.html")
    // Well-formed, with what users wrote in it as text.
    let checker = PageChecker()
    let parser = XMLParser(data: Data(page.utf8))
    parser.delegate = checker
    #expect(parser.parse(), "\(String(describing: parser.parserError)) in line \(parser.lineNumber)")
    #expect(checker.elements["svg"] == 4 && checker.elements["b"] == nil)
    // Nothing from elsewhere.
    #expect(checker.references.isEmpty, "\(checker.references)")
    #expect(!page.contains("http:") && !page.contains("https:") && !page.contains("@import"))
    let data = try #require(checker.scripts["data"])
    let object = try #require(JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any])
    let items = try #require(object["items"] as? [[String: Any]])
    #expect(items.count == 2 && items[0]["t"] as? String == "fourteen sixty-nine and a <b>&")
    // Opus in Ogg, and a spectrogram of 50 columns a second.
    let sound = try #require(checker.scripts["a0"].flatMap { Data(base64Encoded: $0) })
    #expect(sound.prefix(4) == Data("OggS".utf8) && sound.count < 20_000)
    let picture = try #require(checker.scripts["p1"].flatMap { Data(base64Encoded: $0) })
    #expect(abs(picture.count / 40 - Int(50 * (items[1]["d"] as? Double ?? 0))) <= 2)
    let without = try compare(peer + ["--html", "r.html", "--media-limit", "0"])
    #expect(try without.status == 0 && !folder.text("r.html").contains("id=\"a0\""))
  }

  /// Collects what a page consists of.
  private final class PageChecker: NSObject, XMLParserDelegate {
    var elements: [String: Int] = [:]
    var references: [String] = []
    var scripts: [String: String] = [:]
    private var script: String?

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      elements[name, default: 0] += 1
      for attribute in ["src", "href", "srcset", "action", "data"] {
        if let value = attributes[attribute] { references.append(value) }
      }
      script = name == "script" ? attributes["id"] : nil
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
      if let script { scripts[script, default: ""] += text }
    }

    func parser(
      _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
    ) { script = nil }
  }
}
