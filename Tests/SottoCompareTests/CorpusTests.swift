// Lists of recordings: every bad line is named, the others are taken.

import Foundation
import SottoTestSupport
import Testing

@testable import SottoCompare

@Suite struct CorpusTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for name in ["one.wav", "two.wav", "sub/three.wav"] {
      try folder.write(name, WaveFile.noise(seconds: 0.5))
    }
  }

  /// The numbers of the lines that a list's problems name, in order.
  private func numbers(_ corpus: Corpus, of file: String) -> [Int] {
    corpus.problems.compactMap { problem in
      problem.hasPrefix(folder(file) + ":")
        ? problem.dropFirst(folder(file).count + 1).split(separator: ":").first.flatMap { Int($0) } : nil
    }
  }

  @Test func jsonLines() throws {
    var list = Data(
      """
      {"audio": "one.wav", "text": "first"}
      not json
      {"audio": "gone.wav", "text": "lost"}

      {"text": "whose?"}
      {"audio": "two.wav", "text": 5}
      {"audio_filepath": "two.wav", "text": "part", "offset": 0.1, "duration": 0.3}
      {"audio": "one.wav", "text": "again"}
      {"audio": "two.wav", "offset": 0.1}
      {"audio": "two.wav", "offset": 7, "duration": 1}
      [1]

      """.utf8)
    list += [0x22, 0xFF, 0x0A]
    try folder.write("list.jsonl", list)
    let corpus = Corpus(paths: [folder("list.jsonl")])
    #expect(corpus.utterances.map(\.text) == ["first", "part"])
    #expect(corpus.utterances.map { ($0.duration * 10).rounded() } == [5, 3])
    #expect(numbers(corpus, of: "list.jsonl").sorted() == [2, 3, 5, 6, 8, 9, 10, 11, 12])
    #expect(Corpus(paths: [folder("none.jsonl")]).problems.count == 1)
  }

  @Test func listThatIsNone() throws {
    try folder.write("README.md", "# Sotto\n\nSpeech to text.\nOn your machine.\n")
    let corpus = Corpus(paths: [folder("README.md")])
    #expect(corpus.utterances.isEmpty && corpus.problems.count == 1)
    #expect(corpus.problems.first?.contains("no line of it is a JSON object") == true)
  }

  @Test func kaldiFolder() throws {
    try folder.write(
      "k/wav.scp",
      "a ../one.wav\nb sox two.wav -t wav - |\nc ../gone.wav\nd\na ../two.wav\ne \(folder("two.wav"))\n")
    try folder.write("k/text", "a hello  there\ne good day\nz nobody\n")
    let corpus = Corpus(paths: [folder("k")])
    #expect(corpus.utterances.map(\.id) == ["a", "e"])
    #expect(corpus.utterances.map(\.text) == ["hello  there", "good day"])
    #expect(numbers(corpus, of: "k/wav.scp") == [2, 3, 4, 5] && numbers(corpus, of: "k/text") == [3])
  }

  @Test func kaldiSegments() throws {
    try folder.write("s/wav.scp", "rec ../one.wav\n")
    try folder.write("s/segments", "u1 rec 0.1 0.3\nu2 other 0 1\nu3 rec 1 0\nu4 rec 0.2 9\nu5 rec 8 9\n")
    try folder.write("s/text", "u1 a\nu4 b\n")
    let corpus = Corpus(paths: [folder("s")])
    #expect(corpus.utterances.map(\.part) == [0.1..<0.3, 0.2..<9])
    #expect(abs(corpus.duration - 0.5) < 1e-9)
    #expect(numbers(corpus, of: "s/segments") == [2, 3, 5])
  }

  @Test func libriSpeechTree() throws {
    try folder.write("l/1/2/1-2-0001.wav", WaveFile.noise(seconds: 0.2))
    try folder.write("l/1/2/1-2.trans.txt", "1-2-0001 THE FIRST\n1-2-0002 MISSING\n")
    let corpus = Corpus(paths: [folder("l")])
    #expect(corpus.utterances.map(\.text) == ["THE FIRST"])
    #expect(numbers(corpus, of: "l/1/2/1-2.trans.txt") == [2])
  }

  @Test func recordingsWithTexts() throws {
    try folder.write("one.txt", "words in\n two lines\n")
    try folder.write("sub/broken.wav", "no audio at all")
    let corpus = Corpus(paths: [folder.path])
    #expect(
      corpus.utterances.map { ($0.id as NSString).lastPathComponent } == ["one.wav", "three.wav", "two.wav"])
    #expect(corpus.utterances.map(\.text) == ["words in two lines", nil, nil])
    #expect(corpus.problems.count == 1 && corpus.problems[0].contains("broken.wav"))
  }

  @Test func samplesAreTheSameForASeed() throws {
    var corpus = Corpus()
    corpus.utterances = (0..<500).map { Utterance(id: String($0), audio: "") }
    let all = corpus.utterances
    func drawn(_ seed: UInt64) -> [String] {
      var copy = corpus
      copy.sample(limit: 100, seed: seed)
      return copy.utterances.map(\.id)
    }
    #expect(drawn(1) == drawn(1) && drawn(1) != drawn(2) && Set(drawn(1)).count == 100)
    #expect(drawn(3).compactMap { Int($0) } == drawn(3).compactMap { Int($0) }.sorted())
    // Each is as likely as the others: the mean place is the middle, within three standard errors.
    let places: [Double] = (1...20).flatMap { drawn(UInt64($0)).compactMap { Double($0) } }
    let mean: Double = places.reduce(0, +) / 2000
    #expect(abs(mean - 249.5) < 9.7)
    corpus.sample(limit: 9000, seed: 1)
    #expect(corpus.utterances == all)
  }
}
