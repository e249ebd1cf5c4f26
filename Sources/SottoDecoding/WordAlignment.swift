// When each word of a known text was said.

import SottoKernels

/// A word of a text and the frames in which it was said.
public struct AlignedWord: Sendable, Hashable {
  /// As it was given.
  public var text: String
  /// Words do not overlap, and come in the order of the text. Empty where there is no room between the neighbours of a
  /// word that could not be aligned.
  public var frames: Range<Int>
  /// Probability in 0...1 that the word is there, the geometric mean over its tokens; nil for a word that the
  /// vocabulary cannot spell, whose place is between its neighbours.
  public var confidence: Float?

  public init(text: String, frames: Range<Int>, confidence: Float?) {
    self.text = text
    self.frames = frames
    self.confidence = confidence
  }
}

/// A text aligned word by word.
public struct WordAlignment: Sendable, Hashable {
  /// How far words reach beyond the frames in which a CTC model says their tokens, as far as there is room: models write
  /// a token when they have heard enough of it, and then nothing until the next.
  public struct Reach: Sendable, Hashable {
    /// Frames before the first token.
    public var before: Int
    /// Frames after the last token.
    public var after: Int

    public init(before: Int = 2, after: Int = 4) {
      self.before = max(before, 0)
      self.after = max(after, 0)
    }
  }

  /// One for each word that was given.
  public var words: [AlignedWord]
  /// The alignment of all tokens.
  public var tokens: ForcedAlignment

  /// Aligns words as they are written, with case, punctuation and digits, to the rows of `logProbabilities`, [frames,
  /// pieces + 1].
  ///
  /// - Throws: as `ForcedAlignment`.
  public init(
    _ words: [String], vocabulary: PieceVocabulary, to logProbabilities: Matrix, reach: Reach = Reach()
  ) throws {
    let spelled = words.map { vocabulary.tokens($0) }
    tokens = try ForcedAlignment(spelled.flatMap { $0 }, to: logProbabilities)
    self.words = []
    var next = 0
    for (text, pieces) in zip(words, spelled) {
      let range = next..<(next + pieces.count)
      next = range.upperBound
      guard let first = tokens.tokens[range].first, let last = tokens.tokens[range].last else {
        self.words.append(AlignedWord(text: text, frames: 0..<0, confidence: nil))
        continue
      }
      let scores = tokens.tokens[range].map { logarithm($0.confidence) }
      self.words.append(
        AlignedWord(
          text: text, frames: first.frames.lowerBound..<last.frames.upperBound,
          confidence: exponential(scores.reduce(0, +) / Float(scores.count))))
    }
    widen(by: reach, frames: logProbabilities.rows)
    placeUnaligned(frames: logProbabilities.rows)
  }

  /// Gives words the frames around them, at most half of what lies between two where both want it.
  private mutating func widen(by reach: Reach, frames: Int) {
    let aligned = words.indices.filter { words[$0].confidence != nil }
    guard let first = aligned.first, let last = aligned.last else { return }
    let (start, end) = (words[first].frames, words[last].frames)
    for (left, right) in zip(aligned, aligned.dropFirst()) {
      let (from, to) = (words[left].frames.upperBound, words[right].frames.lowerBound)
      // The later word comes first: what is heard before its token belongs to it.
      let before = min(reach.before, (to - from + 1) / 2)
      let after = min(reach.after, to - from - before)
      words[left].frames = words[left].frames.lowerBound..<(from + after)
      words[right].frames = (to - before)..<words[right].frames.upperBound
    }
    words[first].frames = max(start.lowerBound - reach.before, 0)..<words[first].frames.upperBound
    words[last].frames = words[last].frames.lowerBound..<min(end.upperBound + reach.after, frames)
  }

  /// Spreads the words that could not be aligned over what lies between their neighbours.
  private mutating func placeUnaligned(frames: Int) {
    var index = 0
    while index < words.count {
      guard words[index].confidence == nil else {
        index += 1
        continue
      }
      let end = words[index...].firstIndex { $0.confidence != nil } ?? words.count
      let from = index > 0 ? words[index - 1].frames.upperBound : 0
      let to = end < words.count ? words[end].frames.lowerBound : frames
      let count = end - index
      for place in index..<end {
        let (left, right) = (place - index, place - index + 1)
        words[place].frames = (from + (to - from) * left / count)..<(from + (to - from) * right / count)
      }
      index = end
    }
  }
}
