// Live recognition in two passes: text at once from a streaming model, final text from an attention model.

import SottoDecoding
import SottoKernels
import SottoModels

/// A stream whose partial results and ends of utterances come from a streaming CTC model, and whose final texts from an attention model that hears
/// the same audio once more (Sainath et al., arXiv 1908.10992). What the second pass says has to be in the first one's scores: a text that they cannot be
/// aligned with, as that of a loop or of words from nowhere, is refused, and the first pass's own text is final.
///
/// Partial results are volatile as a whole, for the second pass may find any other words. It begins at a pause, before the utterance is known to be over.
final class TwoPassStream: SpeechStream {
  /// Seconds without a new token after which the second pass is made; the endpoint, if it comes, is free then.
  private static let pause = 0.4
  /// Seconds after the last token that are heard: a token is found near its beginning.
  private static let margin = 0.8
  /// Samples that are given to the first pass at once, so that there is one endpoint in them at most.
  private static let piece = 1600
  /// The most that a text may fall short of the first pass's best (`ForcedAlignment.shortfall`), in natural logarithms a token. Texts that were said
  /// lie well below it, other texts and loops well above (`StreamModelTests`).
  static let mostShortfall: Float = 4
  /// Where the second pass hears no speech at all, the first one has to be this sure of it.
  private static let leastConfidence = 0.6
  /// Seconds from which on a short pause ends an utterance, and the shortest one: the time from one token to the next tells little of shorter ones.
  private static let longUtterance = 15.0
  private static let shortPause = 0.5
  /// Seconds that the decoder does best with at most; longer utterances are cut where it is quietest, after so many.
  private static let longestPart = 15.0
  private static let shortestPart = 8.0

  /// Seconds between the last tokens of the two passes from which on words are lost; and how long before its first token a word
  /// may begin.
  private static let leastLost = 0.3
  private static let wordOnset = 0.16

  let first: RecognitionStream
  private let second: ChunkDecoder
  private let vocabulary: PieceVocabulary
  /// Seconds from a row of scores to the next.
  private let rowDuration: Double
  private let alternatives: Int
  private let tellsPartials: Bool

  /// Samples from `bufferStart` on.
  private var buffer: [Float] = []
  private var bufferStart = 0
  /// What the second pass said at a pause, the row of the last token then, and the second up to which it heard.
  private var conclusion: (lastToken: Int, segment: Segment?, until: Double)?
  private var shown = ""

  var skipsPartials: Bool {
    get { first.skipsPartials }
    set { first.skipsPartials = newValue }
  }

  /// - Throws: what `RecognitionStream` and the attention model throw for options that are of no use with them.
  init(_ streaming: StreamingModel, _ attention: AttentionModel, options: RecognitionStream.Options) throws {
    var options = options
    options.endpointing.longUtterance = min(
      options.endpointing.longUtterance ?? .infinity, Self.longUtterance)
    options.endpointing.longestUtterance = min(
      options.endpointing.longestUtterance ?? .infinity, attention.window - 2)
    alternatives = options.alternatives
    tellsPartials = options.partials
    var secondOptions = options
    secondOptions.languageModel = options.secondPassLanguageModel
    second = try ChunkDecoder(attention, live: secondOptions)
    vocabulary = streaming.vocabulary
    rowDuration = streaming.acoustic.rowDuration
    first = try RecognitionStream(streaming, options: options)
    first.keepsScores = true
  }

  private var received: Int { bufferStart + buffer.count }
  private static let rate = Double(Segmenter.sampleRate)

  func accept(_ samples: [Float], sampleRate: Int?) throws -> [RecognitionEvent] {
    // An empty piece, too, is checked.
    guard !samples.isEmpty else { return try first.accept([], sampleRate: sampleRate) }
    var events: [RecognitionEvent] = []
    for start in stride(from: 0, to: samples.count, by: Self.piece) {
      let piece = Array(samples[start..<min(start + Self.piece, samples.count)])
      let found = try first.accept(piece, sampleRate: sampleRate)
      buffer += audible(piece)
      take(found, &events)
      concludeEarly(&events)
      drop()
    }
    return events
  }

  func finishUtterance() throws -> [RecognitionEvent] {
    var events: [RecognitionEvent] = []
    take(try first.finishUtterance(), &events)
    return events
  }

  func finish() throws -> [RecognitionEvent] {
    var events: [RecognitionEvent] = []
    take(try first.finish(), &events)
    return events
  }

  func reset() {
    first.reset()
    (buffer, bufferStart, conclusion, shown) = ([], 0, nil, "")
  }

  private func take(_ found: [RecognitionEvent], _ events: inout [RecognitionEvent]) {
    for event in found {
      switch event {
      case .partial(let partial): show(partial.text, partial, &events)
      case .final(let segment, let rule): end(segment, rule, &events)
      }
    }
  }

  private func show(_ text: String, _ partial: PartialResult, _ events: inout [RecognitionEvent]) {
    guard text != shown else { return }
    shown = text
    events.append(
      .partial(PartialResult(committed: "", volatile: text, start: partial.start, time: partial.time)))
  }

  // MARK: The second pass

  private func concludeEarly(_ events: inout [RecognitionEvent]) {
    guard let under = first.underway, under.silence >= Self.pause, conclusion?.lastToken != under.lastToken
    else { return }
    let segment = read(from: under.start, until: under.ahead)
    conclusion = (under.lastToken, segment, under.ahead)
    if let segment, tellsPartials, !skipsPartials {
      show(
        segment.text,
        PartialResult(committed: "", volatile: "", start: segment.start, time: under.heard), &events)
    }
  }

  private func end(_ segment: Segment, _ rule: Endpointing.Rule?, _ events: inout [RecognitionEvent]) {
    guard let ended = first.ended else { return }
    let until = rule == .longestUtterance ? ended.heard : min(ended.end + Self.margin, ended.heard)
    let early = conclusion.flatMap { conclusion in
      conclusion.lastToken == ended.lastToken
        && !isLoud(from: conclusion.until, until: until, in: ended.start) ? conclusion : nil
    }
    var found = early.map(\.segment) ?? read(from: ended.start, until: until)
    conclusion = nil
    if let whole = found, let rest = lost(of: segment, after: whole, ended, until: until) {
      found = Segment(joining: [whole, rest])
    }
    if let final = agreed(found, segment, ended.scores) {
      shown = ""
      events.append(.final(timed(final, ended), rule))
    } else {
      // What was shown was nothing.
      show(
        "", PartialResult(committed: "", volatile: "", start: ended.heard, time: ended.heard), &events)
    }
  }

  /// The final text of both passes.
  private func agreed(_ second: Segment?, _ first: Segment, _ scores: Matrix) -> Segment? {
    guard let second else { return first.confidence >= Self.leastConfidence ? first : nil }
    return Self.shortfall(of: vocabulary.tokens(second.text), in: scores) <= Self.mostShortfall
      ? second : first
  }

  /// A final text whose words have the times at which the first pass's scores have them, where they can be aligned.
  private func timed(_ segment: Segment, _ ended: RecognitionStream.Ended) -> Segment {
    guard let words = segment.words,
      let places = try? WordAlignment(words.map(\.text), vocabulary: vocabulary, to: ended.scores).words,
      places.count == words.count
    else { return segment }
    let seconds = { (row: Int) in ended.start + Double(row) * self.rowDuration }
    var timed = segment
    timed.words = zip(words, places).map { word, place in
      Word(
        text: word.text, start: seconds(place.frames.lowerBound), end: seconds(place.frames.upperBound),
        confidence: word.confidence)
    }
    return timed
  }

  /// By how much tokens fall short of what the scores of an utterance say; infinity where they cannot be aligned at all.
  static func shortfall(of tokens: [Int], in scores: Matrix) -> Float {
    (try? ForcedAlignment(tokens, to: scores))?.shortfall ?? .infinity
  }

  /// Whether the last word goes on in what the second pass has not heard: a stretch less than 20 dB below the utterance.
  private func isLoud(from start: Double, until end: Double, in first: Double) -> Bool {
    end - start > 0.05
      && meanPower(samples(from: start, until: end)) > 0.01 * meanPower(samples(from: first, until: start))
  }

  /// Words at the end that the first pass heard and the second one left out, though it has those before: what it makes of
  /// their sound alone.
  func lost(
    of first: Segment, after found: Segment, _ ended: RecognitionStream.Ended, until: Double
  ) -> Segment? {
    guard let alignment = try? ForcedAlignment(vocabulary.tokens(found.text), to: ended.scores),
      alignment.shortfall <= Self.mostShortfall, let last = alignment.tokens.last?.frames.upperBound,
      ended.end - ended.start - Double(last) * rowDuration >= Self.leastLost
    else { return nil }
    // From the first word on that begins after the last one found.
    let said = try? ForcedAlignment(vocabulary.tokens(first.text), to: ended.scores)
    guard
      let word = said?.tokens.first(where: {
        $0.frames.lowerBound >= last + 2 && vocabulary.beginsWord($0.token)
      }),
      let rest = read(
        from: ended.start + Double(word.frames.lowerBound) * rowDuration - Self.wordOnset, until: until)
    else { return nil }
    let scores = ended.scores.rows(last..<ended.scores.rows)
    return Self.shortfall(of: vocabulary.tokens(rest.text), in: scores) <= Self.mostShortfall ? rest : nil
  }

  private func sample(at seconds: Double) -> Int { min(Int(seconds * Self.rate), received) }

  private func samples(from start: Double, until end: Double) -> ArraySlice<Float> {
    let range = (sample(at: start) - bufferStart)..<(max(sample(at: start), sample(at: end)) - bufferStart)
    return buffer[range.clamped(to: buffer.indices)]
  }

  private func read(from start: Double, until end: Double) -> Segment? {
    var rest = samples(from: start, until: end)
    var found: [Segment] = []
    while !rest.isEmpty {
      let part = rest.prefix(Self.partLength(of: rest))
      rest = rest.dropFirst(part.count)
      let chunk = SpeechChunk(startSample: bufferStart + part.startIndex, samples: Array(part))
      found += second.segments(chunk, rate: Self.rate, previous: []).segments
    }
    var segment = Segment(joining: found)
    if alternatives > 0, let best = found.first { segment?.alternatives = best.alternatives }
    return segment
  }

  /// Samples of the next part of an utterance: all, or up to the middle of the quietest 100 ms.
  private static func partLength(of samples: ArraySlice<Float>) -> Int {
    guard samples.count > Int(longestPart * rate) else { return samples.count }
    let width = Int(rate / 10)
    var best = (length: Int(longestPart * rate), energy: Float.infinity)
    for place in stride(from: Int(shortestPart * rate), to: Int(longestPart * rate) - width, by: width / 4) {
      let start = samples.startIndex + place
      let energy = samples[start..<(start + width)].reduce(0) { $0 + $1 * $1 }
      if energy < best.energy { best = (place + width / 2, energy) }
    }
    return best.length
  }

  /// Lets go of what lies before the utterance, or before what the first pass would begin with.
  private func drop() {
    let needed = sample(at: first.needed)
    let surplus = min(needed - bufferStart, buffer.count)
    // Not each time: what stays is moved.
    guard surplus > Segmenter.sampleRate else { return }
    buffer.removeFirst(surplus)
    bufferStart += surplus
  }
}
