// Context biasing: phrases that the user expects, in any search.

import Foundation

/// Adds to the score of a text for each phrase of a list that it holds, and takes back what was added while a phrase was
/// being spelled and then was not.
///
/// A phrase may be cut into tokens in any way, and be written in lower or upper case, wherever words begin and end; each way
/// earns the same: `weight` for each token that the phrase takes at least, spread evenly over its bytes. So states are
/// places in a trie of phrases, and a token leads from one to the next through all of its bytes.
///
/// A phrase right after itself, with nothing but marks between, earns nothing, or a search that is promised much for it
/// would say it for ever. So a state also knows the phrase that was complete last.
public struct ContextBias: FusionScorer {
  private let trie: PhraseTrie
  private let tokens: TokenBytes
  private let favoured: FavouredTokens

  /// For a vocabulary of bytes, with case and punctuation.
  ///
  /// - Parameter textTokens: tokens of text; those from there on are marks between texts.
  /// - Throws: `DecodingError.biasPhrase` for a phrase that cannot be used.
  public init(_ list: BiasList, vocabulary: Vocabulary, textTokens: Int) throws {
    try self.init(list, TokenBytes(vocabulary, count: textTokens)) { BiasForms.written($0) }
  }

  /// For word pieces of text as it is spoken.
  ///
  /// - Throws: `DecodingError.biasPhrase` for a phrase that cannot be used, or that the pieces cannot spell.
  public init(_ list: BiasList, vocabulary: PieceVocabulary) throws {
    try self.init(list, TokenBytes(vocabulary)) { [BiasForms.spoken($0)] }
  }

  private init(_ list: BiasList, _ tokens: TokenBytes, forms: (String) -> [[UInt8]]) throws {
    if let reason = BiasList.fault(ofWeight: list.weight) {
      throw DecodingError.biasPhrase(list.phrases.first?.text ?? "", reason: reason)
    }
    var trie = PhraseTrie()
    let lookup = TokenLookup(tokens)
    for phrase in list.phrases {
      if let reason = phrase.fault { throw DecodingError.biasPhrase(phrase.text, reason: reason) }
      for form in forms(phrase.text) {
        guard let count = lookup.fewestTokens(form) else {
          throw DecodingError.biasPhrase(
            phrase.text, reason: "the model's word pieces cannot spell it; write it as it is spoken")
        }
        trie.insert(form, reward: list.weight * phrase.weight * Float(count))
      }
    }
    trie.link()
    self.trie = trie
    self.tokens = tokens
    favoured = FavouredTokens(trie, lookup)
  }

  public var takesBack: Bool { true }

  public var start: UInt64 { UInt64(PhraseTrie.open) }

  private func node(_ state: UInt64) -> Int32 { valid(state & 0xFFFF_FFFF) }
  private func valid(_ place: UInt64) -> Int32 { Int32(min(place, UInt64(trie.nodes.count - 1))) }

  public func advance(_ state: UInt64, by token: Int) -> (score: Float, state: UInt64) {
    let bytes = tokens[token]
    if bytes.isEmpty { return (finish(state), start) }
    var score: Float = 0
    var node = node(state)
    // The end of the phrase after which nothing but marks came; `root` for none.
    var last = valid(state >> 32)
    for byte in bytes {
      let byte = PhraseTrie.folded(byte)
      let here = trie.nodes[Int(node)]
      let goesOn = trie.child(of: node, byte) != nil
      let isComplete = !goesOn && here.reward != nil && PhraseTrie.isMark(byte)
      // A longer phrase, or a longer word, is no repetition.
      if let reward = here.reward, node == last, !isComplete { score += reward }
      if isComplete { last = node }
      let isInMatch = node != PhraseTrie.root && node != PhraseTrie.open
      let step = trie.step(node, byte)
      (score, node) = (score + step.score, step.node)
      if !goesOn, !isComplete, isInMatch || node == PhraseTrie.root { last = PhraseTrie.root }
      if let reward = trie.nodes[Int(node)].reward, node == last { score -= reward }
    }
    return (score, UInt64(last) << 32 | UInt64(node))
  }

  public func finish(_ state: UInt64) -> Float { -tentative(state) }

  public func tentative(_ state: UInt64) -> Float {
    let here = trie.nodes[Int(node(state))]
    return here.earned - here.settled
  }

  public func appendFavoured(in state: UInt64, to list: inout [Int]) {
    favoured.append(node(state), trie, to: &list)
  }
}

/// The forms in which a phrase may be written, as bytes in lower case.
enum BiasForms {
  /// As it stands, in lower case, capitalised, and without diacritics. (Case in ASCII makes no difference.)
  static func written(_ text: String) -> [[UInt8]] {
    let plain = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      .replacing("\u{2019}", with: "'").precomposedStringWithCanonicalMapping
    let lower = plain.lowercased()
    let capitalised = lower.split(separator: " ").map { $0.prefix(1).uppercased() + $0.dropFirst() }
      .joined(separator: " ")
    let bare = lower.folding(options: .diacriticInsensitive, locale: nil)
    var forms: [[UInt8]] = []
    for form in [plain, lower, capitalised, bare] {
      let bytes = form.utf8.map(PhraseTrie.folded)
      if !forms.contains(bytes) { forms.append(bytes) }
    }
    return forms
  }

  static func spoken(_ text: String) -> [UInt8] {
    Array(SpokenForm.words(text).joined(separator: " ").utf8)
  }
}
