// When words become final while the user still speaks.

/// How much of a text that is still growing may be taken as final. What was taken never changes, for it is taken out
/// of the search (`StreamingSearch.commit`).
public struct CommitRule: Sendable, Hashable {
  /// Frames after which a token that all hypotheses agree on is final.
  public var minimumAge: Int
  /// Frames after which the likeliest hypothesis is believed, whatever others say; bounds memory and the volatile text.
  public var longestAge: Int
  /// Whether a word is final as a whole only: it ends where the next one begins, or with `wordEnd` frames without a
  /// token.
  public var wholeWords: Bool
  /// See `wholeWords`.
  public var wordEnd: Int

  /// Frames are those of the model, 25 a second: tokens that agree for 0.4 s, 5 s at the most, words that end with 1 s
  /// of silence.
  public init(minimumAge: Int = 10, longestAge: Int = 125, wholeWords: Bool = true, wordEnd: Int = 25) {
    self.minimumAge = minimumAge
    self.longestAge = longestAge
    self.wholeWords = wholeWords
    self.wordEnd = wordEnd
  }

  /// How many tokens of `hypothesis`, from its start, may be committed.
  ///
  /// - Parameters:
  ///   - stable: how many of its tokens all hypotheses agree on.
  ///   - frames: frames taken so far, in the count of `hypothesis.frames`.
  ///   - beginsWord: whether a word begins with a token.
  public func committable(
    _ hypothesis: Hypothesis, stable: Int, frames: Int, beginsWord: (Int) -> Bool
  ) -> Int {
    func count(older age: Int) -> Int { hypothesis.frames.prefix { frames - 1 - $0 >= age }.count }
    let certain = min(max(stable, 0), count(older: minimumAge))
    let forced = count(older: longestAge)
    let most = min(max(certain, forced), hypothesis.tokens.count)
    guard wholeWords, most > 0 else { return most }
    if most == hypothesis.tokens.count, count(older: wordEnd) == most { return most }
    let whole = (1...most).last {
      $0 < hypothesis.tokens.count && beginsWord(hypothesis.tokens[$0])
    }
    // A word without end is no word: it must not keep everything back.
    return whole ?? forced
  }
}

extension StreamingSearch {
  /// Commits what `rule` allows; the tokens that have become final, none most of the time.
  @discardableResult public mutating func commit(
    by rule: CommitRule, beginsWord: (Int) -> Bool
  ) -> Hypothesis {
    commit(rule.committable(best, stable: stableCount, frames: frames, beginsWord: beginsWord))
  }
}
