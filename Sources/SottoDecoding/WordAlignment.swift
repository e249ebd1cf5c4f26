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

/// How far words reach beyond the frames in which a CTC model says their tokens, as far as there is room: models write a
/// token when they have heard enough of it, and then nothing until the next.
public struct WordReach: Sendable, Hashable {
  /// Frames before the first token.
  public var before: Int
  /// Frames after the last token.
  public var after: Int

  public init(before: Int = 2, after: Int = 4) {
    self.before = max(before, 0)
    self.after = max(after, 0)
  }
}

extension PieceVocabulary {
  /// The words of what a search found, where it knows the frames of the tokens.
  ///
  /// - Parameter frames: where the words may be: from the end of what was committed before to the last frame taken.
  public func alignedWords(
    _ hypothesis: Hypothesis, within frames: Range<Int>, reach: WordReach = WordReach()
  ) -> [AlignedWord] {
    let count = min(hypothesis.tokens.count, hypothesis.frames.count, hypothesis.scores.count)
    let words = words(Array(hypothesis.tokens.prefix(count))).map { word in
      let first = hypothesis.frames[word.tokens.lowerBound]
      let scores = hypothesis.scores[word.tokens]
      return AlignedWord(
        text: word.text, frames: first..<max(hypothesis.frames[word.tokens.upperBound - 1], first) + 1,
        confidence: exponential(scores.reduce(0, +) / Float(scores.count)))
    }
    return widened(words, by: reach, within: frames)
  }
}

/// A text aligned word by word.
public struct WordAlignment: Sendable, Hashable {
  /// One for each word that was given.
  public var words: [AlignedWord]
  /// The alignment of all tokens.
  public var tokens: ForcedAlignment

  /// Aligns words as they are written, with case, punctuation and digits, to the rows of `logProbabilities`, [frames,
  /// pieces + 1].
  ///
  /// - Throws: as `ForcedAlignment`.
  public init(
    _ words: [String], vocabulary: PieceVocabulary, to logProbabilities: Matrix,
    reach: WordReach = WordReach()
  ) throws {
    let spelled = words.map { vocabulary.tokens($0) }
    tokens = try ForcedAlignment(spelled.flatMap { $0 }, to: logProbabilities)
    var aligned: [AlignedWord] = []
    var next = 0
    for (text, pieces) in zip(words, spelled) where !pieces.isEmpty {
      let said = tokens.tokens[next..<(next + pieces.count)]
      next += pieces.count
      let scores = said.map { logarithm($0.confidence) }
      aligned.append(
        AlignedWord(
          text: text,
          frames: tokens.tokens[next - pieces.count].frames
            .lowerBound..<tokens.tokens[next - 1].frames.upperBound,
          confidence: exponential(scores.reduce(0, +) / Float(scores.count))))
    }
    let rows = 0..<logProbabilities.rows
    var rest = widened(aligned, by: reach, within: rows)[...]
    self.words = zip(words, spelled).map { text, pieces in
      (pieces.isEmpty ? nil : rest.popFirst()) ?? AlignedWord(text: text, frames: 0..<0, confidence: nil)
    }
    placeUnaligned(frames: rows.count)
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

/// Gives words the frames around them. Where two want the same ones, the later comes first up to half of what lies between:
/// what is heard before its token belongs to it.
private func widened(_ words: [AlignedWord], by reach: WordReach, within frames: Range<Int>) -> [AlignedWord]
{
  var result = words
  for index in words.indices {
    let said = words[index].frames
    let from = index > 0 ? words[index - 1].frames.upperBound : min(frames.lowerBound, said.lowerBound)
    let room = max(said.lowerBound - from, 0)
    let before = min(reach.before, index > 0 ? (room + 1) / 2 : room)
    let start = said.lowerBound - before
    if index > 0 {
      let last = result[index - 1].frames
      result[index - 1].frames =
        last.lowerBound..<min(last.upperBound + reach.after, max(start, last.upperBound))
    }
    result[index].frames = start..<said.upperBound
  }
  if let last = result.last?.frames {
    let end = max(min(last.upperBound + reach.after, frames.upperBound), last.upperBound)
    result[result.count - 1].frames = last.lowerBound..<end
  }
  return result
}
