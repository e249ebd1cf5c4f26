// Which tokens become final, and when utterances end.

import Testing

@testable import SottoDecoding

@Suite struct CommitRuleTests {
  /// Words begin with even tokens.
  static func committable(_ rule: CommitRule, _ tokens: [(Int, frame: Int)], stable: Int, frames: Int) -> Int
  {
    var hypothesis = Hypothesis()
    hypothesis.tokens = tokens.map(\.0)
    hypothesis.frames = tokens.map(\.frame)
    return rule.committable(hypothesis, stable: stable, frames: frames) { $0 % 2 == 0 }
  }

  static let tokens = [(0, frame: 0), (1, frame: 4), (2, frame: 10), (4, frame: 20), (1, frame: 24)]

  @Test func tokensOfAnAge() {
    let rule = CommitRule(minimumAge: 10, longestAge: 50, wholeWords: false)
    #expect(Self.committable(rule, Self.tokens, stable: 5, frames: 21) == 3)
    #expect(Self.committable(rule, Self.tokens, stable: 5, frames: 20) == 2)
    #expect(Self.committable(rule, Self.tokens, stable: 1, frames: 31) == 1)
    // In the end the likeliest text is believed.
    #expect(Self.committable(rule, Self.tokens, stable: 0, frames: 60) == 2)
    #expect(Self.committable(rule, Self.tokens, stable: 0, frames: 75) == 5)
    #expect(Self.committable(rule, [], stable: 3, frames: 75) == 0)
  }

  @Test func wholeWords() {
    let rule = CommitRule(minimumAge: 10, longestAge: 50, wholeWords: true, wordEnd: 25)
    // The word of tokens 0 and 1 ends where 2 begins, not before.
    #expect(Self.committable(rule, Array(Self.tokens.prefix(2)), stable: 2, frames: 20) == 0)
    #expect(Self.committable(rule, Array(Self.tokens.prefix(3)), stable: 2, frames: 20) == 2)
    #expect(Self.committable(rule, Self.tokens, stable: 4, frames: 40) == 3)
    // The last word ends with silence.
    #expect(Self.committable(rule, Self.tokens, stable: 5, frames: 49) == 3)
    #expect(Self.committable(rule, Self.tokens, stable: 5, frames: 50) == 5)
    // A word that does not end is committed in parts.
    let endless = (0..<10).map { (1, frame: $0 * 10) }
    #expect(Self.committable(rule, endless, stable: 10, frames: 91) == 5)
  }

  @Test func theRulesOfEndpoints() {
    typealias Rule = Endpointing.Rule
    let rules = Endpointing.Configuration(
      silenceAfterSpeech: 1, silenceWithoutSpeech: 3, longUtterance: 6, shortPause: 0.4, longestUtterance: 8)
    /// The frame of 40 ms after which a rule applies first.
    func end(_ configuration: Endpointing.Configuration, speech: (Int) -> Bool) -> (Int, Rule)? {
      var endpointing = Endpointing(configuration)
      for frame in 0..<1000 {
        if let rule = endpointing.observe(isSpeech: speech(frame), seconds: 0.04) { return (frame + 1, rule) }
      }
      return nil
    }
    #expect(end(rules) { _ in false }! == (75, .silenceWithoutSpeech))
    #expect(end(rules) { (10..<20).contains($0) }! == (45, .silenceAfterSpeech))
    #expect(end(rules) { $0 % 20 < 8 }! == (158, .pauseInLongUtterance))
    #expect(end(rules) { $0 % 10 < 5 }! == (200, .longestUtterance))
    var off = rules
    off.silenceWithoutSpeech = nil
    off.longUtterance = nil
    #expect(end(off) { _ in false } == nil)
    #expect(end(off) { $0 % 20 < 8 }! == (200, .longestUtterance))
    off.longestUtterance = nil
    #expect(end(off) { $0 % 20 < 8 } == nil)
  }

  @Test func presetsDifferInPatience() {
    let silences = Endpointing.Preset.allCases.map { $0.configuration.silenceAfterSpeech ?? 0 }
    #expect(silences == silences.sorted() && Set(silences).count == 3)
    for preset in Endpointing.Preset.allCases {
      var endpointing = Endpointing(preset.configuration)
      let silence = preset.configuration.silenceAfterSpeech ?? 0
      endpointing.observe(
        silentFrames: Int((silence / 0.04).rounded(.up)), length: 4, frameDuration: 0.04)
      #expect(endpointing.rule == .silenceAfterSpeech)
      endpointing.observe(silentFrames: 1, length: 4, frameDuration: 0.04)
      #expect(endpointing.rule == nil && endpointing.hasSpeech)
      endpointing.observe(silentFrames: nil, length: 11, frameDuration: 0.04)
      #expect(endpointing.rule == .silenceWithoutSpeech)
      endpointing.reset()
      #expect(endpointing == Endpointing(preset.configuration))
      // Lengths that are none count as nothing.
      for seconds in [Double.nan, -.infinity, .infinity, -1] {
        #expect(endpointing.observe(isSpeech: true, seconds: seconds) == nil)
      }
      #expect(endpointing.length == 0)
    }
  }
}
