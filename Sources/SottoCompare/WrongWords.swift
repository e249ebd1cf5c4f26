// Which words of the references are most often wrong.

import SottoDecoding

/// A word of the references and what became of it.
public struct WrongWord: Sendable, Hashable, Codable {
  public var word: String
  /// How often it was said, and how often it was not heard.
  public var said: Int
  public var wrong: Int
  /// What was heard in its place, most often first; empty for nothing.
  public var heard: [String]
}

/// Counts words over utterances.
struct WordTally {
  private var said: [String: Int] = [:]
  private var confusions: [String: [String: Int]] = [:]

  mutating func add(_ score: WordErrorRate) {
    for step in score.alignment.steps {
      switch step {
      case .match(let row, _): said[score.reference[row], default: 0] += 1
      case .substitution(let row, let column):
        said[score.reference[row], default: 0] += 1
        confusions[score.reference[row], default: [:]][score.hypothesis[column], default: 0] += 1
      case .deletion(let row):
        said[score.reference[row], default: 0] += 1
        confusions[score.reference[row], default: [:]]["", default: 0] += 1
      case .insertion: break
      }
    }
  }

  /// The words with most errors; of those with as many, the ones that were said less often, then by the alphabet.
  func worst(_ count: Int) -> [WrongWord] {
    let words = confusions.map { word, heard in
      WrongWord(
        word: word, said: said[word] ?? 0, wrong: heard.values.reduce(0, +),
        heard: heard.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3).map(\.key))
    }
    return Array(words.sorted { ($1.wrong, $0.said, $0.word) < ($0.wrong, $1.said, $1.word) }.prefix(count))
  }
}
