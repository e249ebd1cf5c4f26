// `sotto score` from outside.

import Foundation
import SottoTestSupport
import Testing

@Suite struct ScoreTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(
      "reference.jsonl",
      """
      {"audio": "talks/one.flac", "id": "1", "text": "In fourteen sixty-nine, it's said."}

      {"audio": "two.flac", "text": "A short talk began"}
      {"id": "three", "text": "never heard"}
      """)
    try folder.write(
      "hypothesis.jsonl",
      """
      {"file": "/x/two.wav", "text": "a talk began late"}
      {"file": "one.wav", "duration": 3.5, "segments": [], "text": "in 1469 it's said"}
      {"file": "three.wav", "error": "three.wav: is empty"}
      {"file": "four.wav", "text": "who asked"}
      """)
  }

  private func json(_ arguments: String...) throws -> ([String: Any], Program.Result) {
    let files = ["reference.jsonl", "hypothesis.jsonl"]
    let result = try Sotto.run(["score", "-f", "json"] + arguments + files, in: folder)
    return (
      try #require(JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]), result
    )
  }

  @Test func counts() throws {
    let (report, result) = try json()
    // Of "a short talk began" a word is deleted and one inserted; of "never heard" both are deleted.
    #expect(report["words"] as? Int == 10 && report["recordings"] as? Int == 3)
    #expect(report["deletions"] as? Int == 3 && report["insertions"] as? Int == 1)
    #expect(report["substitutions"] as? Int == 0)
    #expect(report["wer"] as? Double == 0.4)
    let interval = try #require(report["wer_interval"] as? [Double])
    #expect(interval.count == 2 && interval[0] <= 0.4 && 0.4 <= interval[1])
    #expect(report["missing"] as? [String] == ["three"] && report["extra"] as? [String] == ["four"])
    #expect(result.status == 1)
    #expect(result.errors.contains("sotto: three: failed (three.wav: is empty)"))
    #expect(result.errors.contains("sotto: four: "))
  }

  @Test func withoutNormaliser() throws {
    let (report, _) = try json("--no-normalize", "--per-recording")
    #expect(report["normalized"] as? Bool == false)
    let each = try #require(report["per_recording"] as? [[String: Any]])
    #expect(each.map { $0["name"] as? String } == ["one", "two", "three"])
    #expect(each.map { $0["insertions"] as? Int } == [0, 1, 0])
  }

  @Test func text() throws {
    let arguments = ["score", "--per-recording", "reference.jsonl", "-"]
    let two = Data(#"{"file": "two.wav", "text": "a talk began late"}"#.utf8)
    let result = try Sotto.run(arguments, input: two, in: folder)
    #expect(
      result.output.contains(
        "two  WER 50.00 %  S 0  D 1  I 1\n  ref a SHORT talk began ****\n  hyp a ***** talk began LATE\n"))
    #expect(result.output.contains("\nrecordings  3\nwords       10\nWER         "))
  }

  @Test func badLinesAreNamed() throws {
    try folder.write(
      "bad.jsonl",
      """
      {"file": "one.wav", "text": "fine"}
      {"file": "two.wav", "text": 5}
      not json
      {"text": "whose?"}
      {"file": "three.wav"}
      {"file": "other/one.flac", "text": "again"}
      """)
    let result = try Sotto.run(["score", "reference.jsonl", "bad.jsonl"], in: folder)
    #expect(result.status == 1 && result.output.isEmpty)
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 5)
    for (line, number) in zip(lines, 2...6) { #expect(line.hasPrefix("sotto: bad.jsonl:\(number): ")) }
    #expect(
      try Sotto.run(["score", "reference.jsonl", "gone.jsonl"], in: folder).errors.contains(
        "gone.jsonl: no such"))
    try folder.write("empty.jsonl", "\n\n")
    #expect(try Sotto.run(["score", "empty.jsonl", "reference.jsonl"], in: folder).status == 1)
  }
}
