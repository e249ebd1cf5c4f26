// Spoken commands, the user's replacements, and settings of `sotto listen`.

import SottoDecoding
import SottoTestSupport
import Testing

@testable import SottoCLI

@Suite struct SpokenEditsTests {
  @Test(arguments: [
    ("one new line two", "one\ntwo"), ("One, New Line. two", "One,\ntwo"),
    ("one new paragraph two", "one\n\ntwo"),
    ("is it comma or question mark", "is it, or?"), ("new york", "new york"),
    ("wrong scratch that right", "right"),
    ("scratch that", ""), ("", ""), ("new line", "\n"),
    ("we met full stop new line we ate period", "we met.\nwe ate."),
  ])
  func commands(said: String, written: String) {
    #expect(SpokenEdits(withCommands: true).apply(to: said) == written)
    #expect(SpokenEdits().apply(to: said) == said)
  }

  @Test func replacements() throws {
    let file = "# mine\n\nsotto voce = Sotto Voce\n sotto=sotto™ \num =\n"
    let edits = SpokenEdits(replacements: try SpokenEdits.replacements(in: file, path: "r.txt"))
    #expect(edits.apply(to: "um Sotto, sotto voce um please") == "sotto™ Sotto Voce please")
    #expect(throws: Failure.self) { try SpokenEdits.replacements(in: "a = b\nno such thing", path: "r.txt") }
  }

  @Test func numbersComeBeforeReplacements() {
    let edits = SpokenEdits(withCommands: true, numbers: .digits, replacements: ["42": "the answer"])
    #expect(edits.apply(to: "It is forty-two full stop") == "It is the answer.")
  }

  @Test(arguments: [
    ("silenceAfterSpeech=1.25,longestUtterance=off", nil),
    ("pauseInLongUtterance=12/0.4", nil), ("nothing=1", "nothing=1 is none of silenceAfterSpeech"),
    ("silenceAfterSpeech=-1", "silenceAfterSpeech is off, or a length of 0.1 to 3600 seconds, and not -1"),
    ("pauseInLongUtterance=3", "LENGTH/PAUSE"), ("silenceAfterSpeech=nan", "and not nan"),
  ])
  func endpointRules(text: String, error: String?) throws {
    let result = try Sotto.run(["listen", "--endpoint", "fast", "--endpoint-rules", text, "--print-config"])
    if let error {
      #expect(result.status == 2 && result.errors.contains(error), "\(result.errors)")
      return
    }
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    let rules = try EndpointOptions.parse(["--endpoint", "fast", "--endpoint-rules", text]).configuration()
    #expect(text.hasPrefix("s") ? rules.silenceAfterSpeech == 1.25 : rules.shortPause == 0.4)
    #expect(text.hasPrefix("s") ? rules.longestUtterance == nil : rules.longUtterance == 12)
  }

  @Test func settingsPrevailInOrder() throws {
    let folder = try TemporaryFolder()
    try folder.write("sotto/listen.conf", "# mine\nendpoint = patient\nbeam = 3\nquiet = yes\nmodel = one\n")
    let environment = ["XDG_CONFIG_HOME": folder.path, "SOTTO_LISTEN_MODEL": "two", "SOTTO_LISTEN_BEAM": "4"]
    let result = try Sotto.run(["listen", "--beam", "5", "--print-config"], environment: environment)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    let lines = Set(result.output.split(separator: "\n").map(String.init))
    #expect(
      lines.isSuperset(of: [
        "endpoint = patient  # file", "model = two  # environment", "beam = 5  # option",
        "quiet = yes  # file",
        "device = default  # default", "chunk =   # default",
      ]), "\(result.output)")
  }

  @Test(arguments: ["endpoint: fast", "loudness = 3", "quiet = perhaps", "endpoint = soon"])
  func settingsThatAreWrong(line: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("sotto/listen.conf", line + "\n")
    let result = try Sotto.run(["listen", "--print-config"], environment: ["XDG_CONFIG_HOME": folder.path])
    #expect(result.status == 2 && result.output.isEmpty && !result.errors.isEmpty)
  }
}
