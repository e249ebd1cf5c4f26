// Variants, conditions and rules as they are written.

import Foundation
import SottoTestSupport
import Testing

@testable import SottoCompare

@Suite struct SpecificationTests {
  @Test func variants() throws {
    let variant = try Variant(model: "stream-ctc:chunk=320,beam=8,endpoint=fast,live,lm-weight=0.3")
    guard case .model(let name, let options) = variant.kind else { return #expect(Bool(false)) }
    #expect(name == "stream-ctc" && options.chunk == 320 && options.beam == 8 && options.live == true)
    #expect(options.endpoint == .fast && options.lmWeight == 0.3 && options.threads == nil)
    #expect(try Variant(model: "/a/b.safetensors:beam=1").label == "b:beam=1")
    let biased = try Variant(
      model: "a:bias=Aldermere Quay,endpoint-rules=silenceAfterSpeech=1+longestUtterance=off")
    guard case .model(_, let heard) = biased.kind else { return #expect(Bool(false)) }
    #expect(heard.bias == "Aldermere Quay")
    #expect(heard.endpointRules == "silenceAfterSpeech=1+longestUtterance=off")
    let peer = try Variant(peer: "other=run --in {audio} x=1")
    #expect(peer.label == "other" && peer.kind == .peer("run --in {audio} x=1"))
    let resident = WorkerSettings(command: "run {stdin}")
    #expect(
      resident.residentCommand == "run " && WorkerSettings(command: "run {audio}").residentCommand == nil)
    #expect(Variant.distinct([peer, peer]).map(\.label) == ["other", "other #2"])
  }

  @Test(arguments: [
    ("tiny:thread=3", "did you mean threads?"), ("tiny:beam=0", "1 to 100"),
    ("tiny:endpoint=slow", "balanced"),
    ("tiny:full-windows", "did you mean full-window?"), ("tiny:live=maybe", "yes or no"),
    (":beam=1", "no model"),
    ("tiny:beam", "needs a value"), ("tiny:zzzz=1", "there are beam"),
  ])
  func wrongVariants(text: String, message: String) {
    let error = #expect(throws: ComparisonError.self) { try Variant(model: text) }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  @Test func nearestNames() {
    let names = ["tiny.en", "stream-ctc", "stream-rnnt", "base"]
    #expect(NearestNames.of("tinyen", among: names) == ["tiny.en"])
    #expect(NearestNames.of("stream", among: names) == ["stream-ctc", "stream-rnnt"])
    #expect(NearestNames.of("STREAM-CTG", among: names).first == "stream-ctc")
    #expect(NearestNames.of("xylophone", among: names).isEmpty)
  }

  @Test func conditions() throws {
    #expect(try Condition.noises("babble:20,5dB").map(\.label) == ["babble 20 dB", "babble 5 dB"])
    #expect(try Condition.noises("white").map(\.label) == ["white 10 dB"])
    for (text, message) in [("bable:3", "did you mean babble?"), ("pink:loud", "not a level")] {
      let error = #expect(throws: ComparisonError.self) { try Condition.noises(text) }
      #expect(error?.description.contains(message) == true)
    }
  }

  @Test func combinedConditions() throws {
    let noises = try Condition.noises("white:20,10")
    #expect(Condition.combinations([[], noises]) == noises)
    let all = Condition.combinations([[.speed(1.2)], [], noises, [.telephone]])
    #expect(all.map(\.label) == ["speed 1.2, white 20 dB, telephone", "speed 1.2, white 10 dB, telephone"])
    #expect(all.allSatisfy(\.movesWords) && !noises[0].movesWords && Condition.combinations([[]]).isEmpty)
  }

  private func comparison(wer: Double?, cpu: Double = 0.05) -> Comparison {
    var row = Comparison.Row(variant: "a", condition: "clean")
    row.wer = wer
    row.cpu = cpu
    let setting = Comparison.Setting(
      version: "", command: "", machine: "", corpus: [], utterances: 1, seconds: 1, normalized: true)
    return Comparison(setting: setting, rows: [row])
  }

  @Test func rules() throws {
    let (old, new) = (comparison(wer: 0.10), comparison(wer: 0.1052, cpu: 0.056))
    func broken(_ rule: String) throws -> Bool {
      try !Gate(rule).broken(in: new, baseline: old).isEmpty
    }
    #expect(try broken("wer>+0.5") && !broken("wer>+0.6") && !broken("wer>+0.52"))
    #expect(try broken("wer>10.5") && !broken("wer>10.6") && broken("wer<12") && !broken("wer<10"))
    #expect(try broken("cpu>+10%") && !broken("cpu>+13%"))
    #expect(throws: ComparisonError.self) { try broken("final>1") }
    #expect(throws: ComparisonError.self) { try Gate("wer>+1").broken(in: new, baseline: nil) }
    for text in ["wer", "wre>1", "wer>x", "wer>10%", ""] {
      #expect(throws: ComparisonError.self) { try Gate(text) }
    }
  }

  @Test func resultsSurviveACut() throws {
    let folder = try TemporaryFolder()
    let path = folder("r.jsonl")
    func measurement(_ source: String) -> UtteranceMeasurement {
      UtteranceMeasurement(
        key: "k", condition: "clean", source: source, text: "té\u{2028}xt", words: [.init("a", 0.123, 0.5)])
    }
    do {
      let file = try ResultsFile(path: path)
      try file.append(ProcessMeasurement(key: "k", load: 3))
      try file.append(ProcessMeasurement(key: "k", load: 1))
      for source in ["1", "2"] { try file.append(measurement(source)) }
      #expect(throws: ComparisonError.self) { try ResultsFile(path: path) }
    }
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    try whole.dropLast(9).write(to: URL(fileURLWithPath: path))
    do {
      let file = try ResultsFile(path: path)
      #expect(file.resumed == 1 && file.has(variant: "k", condition: "clean", source: "1"))
      #expect(!file.has(variant: "k", condition: "clean", source: "2"))
      try file.append(measurement("2"))
      #expect(file.measurement(variant: "k", condition: "clean", source: "1")?.text == "té\u{2028}xt")
      #expect(
        file.measurement(variant: "k", condition: "clean", source: "2")?.words == [.init("a", 0.12, 0.5)])
      #expect(file.measurement(variant: "k", condition: "noisy", source: "2") == nil)
      #expect(file.process(variant: "k")?.load == 3)
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole)
    var broken = measurement("3")
    broken.error = "no luck"
    let file = try ResultsFile(path: path)
    try file.append(broken)
    // Known, and to be tried again.
    #expect(file.measurement(variant: "k", condition: "clean", source: "3")?.error == "no luck")
    #expect(!file.has(variant: "k", condition: "clean", source: "3"))
    try file.append(measurement("3"))
    #expect(file.has(variant: "k", condition: "clean", source: "3"))
    try folder.write("notes.txt", "dear diary\n")
    #expect(throws: ComparisonError.self) { try ResultsFile(path: folder("notes.txt")) }
    #expect(try folder.text("notes.txt") == "dear diary\n")
  }
}
