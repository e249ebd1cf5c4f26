// What somebody may have meant who wrote a name that there is not.

import SottoDecoding

public enum NearestNames {
  /// Those of `names` that are most like `word`, best first, at most three; none that has nothing to do with it.
  public static func of(_ word: String, among names: some Sequence<String>) -> [String] {
    let wanted = Array(word.lowercased())
    let rated: [(name: String, distance: Int)] = names.compactMap { name in
      let candidate = Array(name.lowercased())
      let isPart = wanted.count >= 2 && (name.lowercased().contains(word.lowercased()))
      let distance = Alignment(reference: wanted, hypothesis: candidate).counts.errors
      let limit = max(2, max(wanted.count, candidate.count) * 2 / 5)
      return distance <= limit ? (name, distance) : isPart ? (name, limit + distance) : nil
    }
    return rated.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(3).map(\.name)
  }

  /// ` (did you mean A or B?)`, or nothing.
  public static func hint(_ word: String, among names: some Sequence<String>) -> String {
    let near = of(word, among: names)
    return near.isEmpty ? "" : " (did you mean \(near.joined(separator: " or "))?)"
  }
}
