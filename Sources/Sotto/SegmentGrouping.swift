// Words to segments of a length that can be read.

/// How a chunk's words are cut into segments, as subtitles need it.
struct SegmentGrouping {
  /// Characters after which a segment ends at the next comma or pause.
  var comfortableLength = 84
  /// Characters that a segment may have, unless one word has more.
  var longestLength = 120
  /// Seconds without a word that end a segment.
  var longPause = 1.0
  /// Seconds without a word at which a segment of comfortable length ends.
  var shortPause = 0.3

  func groups(_ words: [Word]) -> [Range<Int>] {
    var groups: [Range<Int>] = []
    var start = 0
    var length = 0
    for index in words.indices {
      length += words[index].text.count + 1
      guard index + 1 < words.count else { break }
      let next = words[index + 1]
      let pause = next.start - words[index].end
      let last = words[index].text.last
      let endsSentence = last.map { ".?!".contains($0) } ?? false
      let endsPhrase = endsSentence || (last.map { ",;:".contains($0) } ?? false)
      let isComfortable = length >= comfortableLength
      if pause >= longPause || (endsSentence && length > comfortableLength / 3)
        || (isComfortable && (endsPhrase || pause >= shortPause))
        || length + next.text.count > longestLength
      {
        groups.append(start..<(index + 1))
        start = index + 1
        length = 0
      }
    }
    if start < words.count { groups.append(start..<words.count) }
    return groups
  }
}
