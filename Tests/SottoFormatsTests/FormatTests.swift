// Every format is read back by a parser that is not ours.

import Foundation
import Sotto
import SottoFormats
import SottoTestSupport
import Testing

@Suite struct FormatTests {
  private func object(_ text: some StringProtocol) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func check(_ object: [String: Any]) throws {
    #expect(object["file"] as? String == Sample.label.file)
    #expect(object["duration"] as? Double == 362_441.235)
    #expect(object["model"] as? String == "tiny.en")
    #expect(object["real_time_factor"] as? Double == 0.1235)
    #expect(object["encoder_seconds"] as? Double == 1.25 && object["decoder_seconds"] as? Double == 0)
    #expect(object["text"] as? String == Sample.transcript.text)
    #expect(object["channel"] == nil && object["error"] == nil)
    let segments = try #require(object["segments"] as? [[String: Any]])
    #expect(segments.count == Sample.transcript.segments.count)
    #expect(segments[0]["text"] as? String == Sample.transcript.segments[0].text)
    #expect(segments[0]["end"] as? Double == 2)
    #expect(segments[0]["confidence"] as? Double == 0.9877)
    #expect(segments[2]["words"] == nil && segments[2]["alternatives"] == nil)
    let words = try #require(segments[0]["words"] as? [[String: Any]])
    #expect(words.map { $0["text"] as? String } == ["Fish", "&", "<chips>"])
    #expect(words.map { $0["start"] as? Double } == [0, 0.5, 0.7])
    #expect(words[2]["confidence"] as? Double == 0)
    let alternatives = try #require(segments[0]["alternatives"] as? [[String: Any]])
    #expect(alternatives.first?["text"] as? String == "Fish and\nships")
  }

  @Test func jsonOfOneRecordingIsAnObject() throws {
    try check(object(Sample.write(.json)))
  }

  @Test func jsonOfSeveralIsAnArray() throws {
    let text = Sample.write(.json, options: FormatOptions(hasSeveralRecordings: true), hasFailure: true)
    let array = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
    #expect(array.count == 2)
    try check(array[0])
    #expect(array[1]["error"] as? String == "no \"such\" file" && array[1]["text"] == nil)
    var writer = TranscriptFormatName.json.writer(FormatOptions(hasChannels: true))
    let empty = writer.start() + writer.finish()
    #expect(try JSONSerialization.jsonObject(with: Data(empty.utf8)) as? [Int] == [])
  }

  @Test func jsonNumbersAreShort() {
    let text = Sample.write(.jsonl)
    #expect(text.contains("\"start\":0.7,") && text.contains("\"duration\":362441.235,"))
  }

  @Test func jsonLinesHaveALineForEach() throws {
    let lines = Sample.write(.jsonl, hasFailure: true).split(
      separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 3 && lines[2].isEmpty)
    try check(object(lines[0]))
    #expect(try object(lines[1])["error"] as? String == "no \"such\" file")
    #expect(try object(lines[1])["file"] as? String == "gone.wav")
  }

  @Test func subRip() throws {
    let text = Sample.write(.srt)
    let expected = """
      1
      00:00:00,000 --> 00:00:02,000
      Fish & ‹chips› (b) --› "now" or later …

      2
      00:00:03,100 --> 00:00:03,101
      Naïve 日本 👩‍👩‍👧

      3
      00:00:03,100 --> 00:00:03,101
      End.

      4
      100:40:40,000 --> 100:40:40,500
      Late


      """
    #expect(text == expected)
    let cue = #/\d+\n\d\d+:\d\d:\d\d,\d\d\d --> \d\d+:\d\d:\d\d,\d\d\d\n[^\n]+\n\n/#
    #expect(text.replacing(cue, with: "").isEmpty)
  }

  @Test func webVTT() throws {
    let text = Sample.write(.vtt)
    #expect(
      text.hasPrefix(
        """
        WEBVTT

        00:00:00.000 --> 00:00:02.000
        Fish <00:00:00.500>&amp; <00:00:00.700>&lt;chips&gt;

        00:00:03.100 --> 00:00:03.101

        """))
    let cue = #/\d\d+:\d\d:\d\d\.\d\d\d --> \d\d+:\d\d:\d\d\.\d\d\d\n[^\n]+\n\n/#
    #expect(text.dropFirst("WEBVTT\n\n".count).replacing(cue, with: "").isEmpty)
    var writer = TranscriptFormatName.vtt.writer()
    let arrow = Segment(start: 0, end: 1, text: "a --> b", confidence: 1)
    #expect(!writer.segment(arrow, of: Sample.label).split(separator: "\n")[1].contains("-->"))
  }

  /// Rows as Python's csv module reads them, one cell a line and an empty line after each row.
  private func rows(_ text: String) throws -> [[String]] {
    let script = """
      import csv, json, sys
      json.dump(list(csv.reader(sys.stdin, delimiter="\\t", quoting=csv.QUOTE_NONE)), sys.stdout)
      """
    let result = try Program(path: "/usr/bin/env").run(
      ["python3", "-c", script], input: Data(text.utf8), environment: ["PYTHONIOENCODING": "utf-8"])
    return try JSONDecoder().decode([[String]].self, from: Data(result.output.utf8))
  }

  @Test func tabSeparated() throws {
    #expect(
      try rows(Sample.write(.tsv)) == [
        ["start", "end", "text"], ["0", "2000", "Fish & <chips> {b} --> \"now\" or later …"],
        ["3100", "3100", "Naïve 日本 👩‍👩‍👧"], ["3000", "0", "End."], ["362440000", "362440500", "Late"],
      ])
    let options = FormatOptions(hasSeveralRecordings: true, hasChannels: true, hasWords: true)
    let words = try rows(Sample.write(.tsv, options: options))
    #expect(words[0] == ["file", "channel", "start", "end", "text"])
    #expect(words[1] == ["talks/a \"b\" 1.wav", "", "0", "500", "Fish"])
    #expect(words.count == 4)
  }

  @Test func plainText() {
    #expect(
      Sample.write(.txt) == """
        Fish & <chips> {b} --> "now" or later …
            or (0.25): Fish and ships
            0.00 0.50 0.90 Fish
            0.50 0.75 0.80 &
            0.70 2.50 0.00 <chips>
        Naïve 日本 👩‍👩‍👧
        End.
        Late

        """)
    let several = Sample.write(.txt, options: FormatOptions(hasSeveralRecordings: true))
    #expect(several.hasPrefix("==> talks/a \"b\" 1.wav <==\nFish"))
  }

  @Test(arguments: [TranscriptFormatName.txt, .srt, .vtt])
  func channelsAreMarked(name: TranscriptFormatName) {
    var writer = name.writer(FormatOptions(hasChannels: true))
    let segment = Segment(start: 0, end: 1, text: "Hello", confidence: 1)
    let text = writer.segment(segment, of: RecordingLabel(file: "a.wav", channel: "left"))
    #expect(text.contains("[left] Hello\n"))
  }

  @Test(arguments: TranscriptFormatName.allCases)
  func nothingSaidIsStillADocument(name: TranscriptFormatName) throws {
    var writer = name.writer()
    let label = RecordingLabel(file: "silence.wav")
    let silence = Transcript(segments: [], duration: 1, model: "m", realTimeFactor: 0)
    let text =
      writer.start() + writer.begin(label) + writer.end(silence, of: label, warning: nil) + writer.finish()
    switch name {
    case .txt, .srt: #expect(text.isEmpty)
    case .vtt: #expect(text == "WEBVTT\n\n")
    case .tsv: #expect(text == "start\tend\ttext\n")
    case .json, .jsonl: #expect(try object(text)["text"] as? String == "")
    }
  }
}
