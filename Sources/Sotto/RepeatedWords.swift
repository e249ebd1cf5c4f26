// Words that are written twice and were said once.

extension ChunkDecoder.Reading {
  /// Fewer words may well be said twice in a hurry.
  private static let leastWords = 4
  /// Seconds a letter that no speaker goes below: fast speech takes 0.04.
  private static let leastLetterTime = 0.02

  /// Where words come twice, one after the other, and one of both has no time in which it could have been said: its place, the first
  /// such one. Where the same is said again and again, the decoder may lose count; the sound has not.
  static func repetition(in words: [Word]) -> Range<Int>? {
    let plain = words.map { $0.text.lowercased().filter { $0.isLetter || $0.isNumber } }
    for length in stride(from: leastWords, through: words.count / 2, by: 1) {
      for start in 0...(words.count - 2 * length) {
        let (first, second) = (start..<(start + length), (start + length)..<(start + 2 * length))
        guard plain[first] == plain[second] else { continue }
        for place in [second, first] where isTimeless(words[place]) { return place }
      }
    }
    return nil
  }

  private static func isTimeless(_ words: ArraySlice<Word>) -> Bool {
    guard let first = words.first, let last = words.last else { return false }
    let letters = words.reduce(0) { $0 + $1.text.filter(\.isLetter).count }
    return last.end - first.start < leastLetterTime * Double(letters)
  }

  /// Takes out such repetitions. `ranges`: the tokens of each word.
  mutating func dropRepetitions(_ ranges: [Range<Int>]) {
    var ranges = ranges
    while words.count == ranges.count, let place = Self.repetition(in: words),
      let first = ranges[place].first,
      let last = ranges[place].last, last.upperBound <= min(tokens.count, scores.count)
    {
      let gone = first.lowerBound..<last.upperBound
      tokens.removeSubrange(gone)
      scores.removeSubrange(gone)
      words.removeSubrange(place)
      let after = ranges[place.upperBound...].map {
        ($0.lowerBound - gone.count)..<($0.upperBound - gone.count)
      }
      ranges = Array(ranges[..<place.lowerBound]) + after
    }
  }
}
