// Texts that end before the speech does.

import SottoDecoding
import SottoModels

extension ChunkDecoder {
  /// Seconds that a word takes, whatever its letters, and for each of them; a figure counts as so many letters.
  private static let wordTime = 0.3
  private static let letterTime = 0.12
  private static let lettersOfFigure = 4
  /// The least that each letter of a continuation takes: one that needs more time than there is was read elsewhere, or is a loop.
  private static let leastLetterTime = 0.045
  /// Seconds of sound after the last word from which on it may be speech.
  private static let leastSound = 0.4
  /// A continuation is speech from this geometric mean of its tokens' probabilities on. Where nothing is said, the decoder has to
  /// guess. Of many words it asks less: what would be lost is more, and they have to fill the time, too.
  private static let leastConfidence = 0.6
  private static let leastConfidenceOfMany = 0.5
  private static let manyWords = 4
  /// It has so many words at least: a single one may be guessed from those before it.
  private static let leastWords = 2

  /// Whether the sound goes on where the last word of a reading must be over: the decoder, which finds the end of the text itself,
  /// may have found it in the middle of a sentence. The last word then lasts to the end of the chunk.
  func soundGoesOn(after reading: Reading, in samples: [Float]) -> Bool {
    let rate = Double(model.configuration.features.sampleRate)
    guard let last = reading.words.last, earlyEnd(of: reading, length: Double(samples.count) / rate) == nil
    else { return false }
    let over = last.start + Self.wordTime + Double(Self.letters(last.text)) * Self.letterTime
    guard over.isFinite, Double(samples.count) / rate - over >= Self.leastSound else { return false }
    let end = min(max(Int(over * rate), 0), samples.count)
    // Less than 20 dB below what was read.
    return meanPower(samples[end...]) > 0.01 * meanPower(samples[..<end])
  }

  private static func letters(_ text: String) -> Int {
    text.reduce(0) { $0 + ($1.isNumber ? lettersOfFigure : $1.isLetter ? 1 : 0) }
  }

  /// A hypothesis that has to go on where it ended; nil where what follows is nothing that the decoder is sure of.
  ///
  /// - Parameter room: seconds from the start of its last word to the end of the sound.
  func goneOn(
    _ hypothesis: Hypothesis, room: Double, session: DecoderSession, prompt: [Int], frames: Int
  ) -> Reading? {
    let isText = { (token: Int) in token < model.special.firstTimestamp }
    guard let last = hypothesis.tokens.lastIndex(where: isText) else { return nil }
    let begun = hypothesis.cut(to: last + 1)
    var rules = rules(frames: frames)
    rules.leastTokens = begun.tokens.count + 1
    session.reset()
    let result = search(session, prompt: prompt, after: begun, rules: rules)
    guard let longer = result.hypotheses.first, !result.metLoop else { return nil }
    let added = zip(longer.tokens, longer.scores).dropFirst(begun.tokens.count).filter { isText($0.0) }
    let mean = added.reduce(0) { $0 + $1.1 } / Float(max(added.count, 1))
    let words = model.vocabulary.words(added.map(\.0))
    let letters = words.reduce(0) { $0 + Self.letters($1.text) }
    let wanted = words.count < Self.manyWords ? Self.leastConfidence : Self.leastConfidenceOfMany
    guard words.count >= Self.leastWords, exponential(Double(mean)) >= wanted,
      Double(letters) * Self.leastLetterTime <= room
    else { return nil }
    return self.reading(longer)
  }
}
