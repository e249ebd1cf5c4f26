// From the readings of a chunk to segments of a transcript.

import SottoDecoding

extension ChunkDecoder {
  /// Seconds of a chunk after the end that the decoder gave its text, from which on they are decoded by themselves.
  private static let leastRest = 1.5

  /// The segments of one chunk, and the tokens of their text. Where the decoder ended before the chunk did, it goes on
  /// from there: a chunk ends with speech.
  ///
  /// - Parameter prefix: what was heard before, whose words the text begins with.
  func segments(
    _ chunk: SpeechChunk, rate: Double, previous: [Int], keeping prefix: Hypothesis = .init()
  ) -> (segments: [Segment], tokens: [Int]) {
    var segments: [Segment] = []
    var tokens: [Int] = []
    var part = chunk
    var prefix = prefix
    while true {
      let readings = readings(part.samples, previous: previous + tokens, keeping: prefix)
      prefix = Hypothesis()
      guard let best = readings.first else { break }
      tokens += best.tokens
      let length = Double(part.samples.count) / rate
      let end = earlyEnd(of: best, length: length)
      segments += self.segments(readings, of: part, rate: rate, until: end ?? length)
      guard let end else { break }
      let done = min(Int(end * rate), part.samples.count)
      part = SpeechChunk(startSample: part.startSample + done, samples: Array(part.samples[done...]))
    }
    return (segments, tokens)
  }

  /// The seconds at which the decoder says that a reading ends, where what follows is to be decoded by itself.
  func earlyEnd(of reading: Reading, length: Double) -> Double? {
    reading.end.flatMap { $0 > 0 && length - $0 >= Self.leastRest && isLast($0, reading) ? $0 : nil }
  }

  /// Whether no word of a reading was heard after `end`. Timestamps may be wrong, and what was said must not come twice.
  private func isLast(_ end: Double, _ reading: Reading) -> Bool {
    (reading.words.last?.start ?? 0) <= end
  }

  /// - Parameter until: seconds of the chunk that the readings are of.
  private func segments(
    _ readings: [Reading], of chunk: SpeechChunk, rate: Double, until: Double
  ) -> [Segment] {
    guard let best = readings.first else { return [] }
    let offset = Double(chunk.startSample) / rate
    let words = best.words.map { word in
      Word(
        text: word.text, start: offset + min(word.start, until), end: offset + min(word.end, until),
        confidence: word.confidence)
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
    return segments
  }

  /// The geometric mean of the words' confidences.
  private static func confidence(_ words: ArraySlice<Word>) -> Double {
    guard !words.isEmpty else { return 0 }
    let sum = words.reduce(0) { $0 + logarithm(max($1.confidence, 1e-9)) }
    return exponential(sum / Double(words.count))
  }
}
