// From the readings of a chunk to segments of a transcript.

extension ChunkDecoder {
  /// The segments of one chunk, and the tokens of their text.
  func segments(
    _ chunk: SpeechChunk, rate: Double, previous: [Int]
  ) -> (segments: [Segment], tokens: [Int]) {
    let readings = readings(chunk.samples, previous: previous)
    guard let best = readings.first else { return ([], []) }
    let offset = Double(chunk.startSample) / rate
    let words = best.words.map { word in
      Word(
        text: word.text, start: offset + word.start, end: offset + word.end, confidence: word.confidence)
    }
    // Other readings belong to the whole chunk.
    let groups =
      configuration.nBest > 1 ? [0..<words.count].filter { !$0.isEmpty } : SegmentGrouping().groups(words)
    var segments = groups.map { group in
      let members = words[group]
      return Segment(
        start: members.first?.start ?? offset, end: members.last?.end ?? offset,
        text: members.map(\.text).joined(separator: " "), confidence: Self.confidence(members),
        words: configuration.wordTimes ? Array(members) : nil)
    }
    if configuration.nBest > 1, !segments.isEmpty {
      segments[0].alternatives = readings.dropFirst().map { reading in
        Alternative(
          text: reading.words.map(\.text).joined(separator: " "),
          confidence: Self.confidence(reading.words[...]))
      }
    }
    return (segments, best.tokens)
  }

  /// The geometric mean of the words' confidences.
  private static func confidence(_ words: ArraySlice<Word>) -> Double {
    guard !words.isEmpty else { return 0 }
    let sum = words.reduce(0) { $0 + logarithm(max($1.confidence, 1e-9)) }
    return exponential(sum / Double(words.count))
  }
}
