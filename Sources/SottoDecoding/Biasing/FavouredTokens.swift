// Which tokens spell phrases, and from where.

/// The bytes of tokens, "▁" of word pieces as a space; none for tokens that are no text.
struct TokenBytes: Sendable {
  private let vocabulary: Vocabulary
  let count: Int

  init(_ vocabulary: Vocabulary, count: Int) {
    self.vocabulary = vocabulary
    self.count = min(max(count, 0), vocabulary.size)
  }

  init(_ pieces: PieceVocabulary) throws {
    var bytes: [UInt8] = []
    var offsets: [UInt32] = [0]
    for piece in pieces.pieces {
      bytes += piece.replacing(String(PieceVocabulary.wordMark), with: " ").utf8
      offsets.append(UInt32(clamping: bytes.count))
    }
    guard let vocabulary = Vocabulary(bytes: bytes, offsets: offsets) else {
      throw DecodingError.pieces(reason: "its pieces are too long")
    }
    self.init(vocabulary, count: pieces.size)
  }

  subscript(token: Int) -> ArraySlice<UInt8> { token < count ? vocabulary.bytes(of: token) : [] }
}

/// Tokens by a hash of their folded bytes (FNV-1a, which grows byte by byte).
struct TokenLookup {
  static let emptyHash: UInt64 = 0xcbf2_9ce4_8422_2325
  /// Bytes of the longest token that is looked for; longer ones spell no phrases.
  static let longest = 24

  private var tokens: [UInt64: [Int32]] = [:]

  init(_ bytes: TokenBytes) {
    tokens.reserveCapacity(bytes.count)
    for token in 0..<bytes.count {
      let text = bytes[token]
      guard (1...Self.longest).contains(text.count) else { continue }
      let hash = text.reduce(Self.emptyHash) { Self.extended($0, by: PhraseTrie.folded($1)) }
      tokens[hash, default: []].append(Int32(token))
    }
  }

  static func extended(_ hash: UInt64, by byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }

  func tokens(_ hash: UInt64) -> [Int32] { tokens[hash] ?? [] }

  /// How many tokens spell a phrase, after a space if there is one among the tokens, in any case; nil where none do.
  func fewestTokens(_ phrase: [UInt8]) -> Int? {
    fewest([UInt8(ascii: " ")] + phrase) ?? fewest(phrase)
  }

  private func fewest(_ text: [UInt8]) -> Int? {
    var fewest = [Int?](repeating: nil, count: text.count + 1)
    fewest[text.count] = 0
    for start in text.indices.reversed() {
      var hash = Self.emptyHash
      for end in start..<min(start + Self.longest, text.count) {
        hash = Self.extended(hash, by: text[end])
        guard let rest = fewest[end + 1], rest + 1 < fewest[start] ?? .max, tokens[hash] != nil else {
          continue
        }
        fewest[start] = rest + 1
      }
    }
    return fewest[0]
  }
}

/// The tokens that lead on from each place in a trie of phrases: those that searches try however unlikely they are.
struct FavouredTokens: Sendable {
  /// By node: tokens that go on with a match; for `open`, those that begin one.
  private var onward: [[Int32]]
  /// Those that begin one with a space.
  private var spaced: [Int32] = []

  init(_ trie: PhraseTrie, _ lookup: TokenLookup) {
    onward = [[Int32]](repeating: [], count: trie.nodes.count)
    for node in trie.nodes.indices.dropFirst() {
      onward[node] = Self.below(Int32(node), TokenLookup.emptyHash, trie, lookup)
    }
    spaced = Self.below(
      PhraseTrie.open, TokenLookup.extended(TokenLookup.emptyHash, by: UInt8(ascii: " ")), trie, lookup)
  }

  private static func below(
    _ node: Int32, _ hash: UInt64, _ trie: PhraseTrie, _ lookup: TokenLookup
  ) -> [Int32] {
    var found: [Int32] = []
    var pending = [(node: node, hash: hash, depth: 0)]
    while let (node, hash, depth) = pending.popLast() {
      var child = trie.nodes[Int(node)].firstChild
      while child >= 0 {
        let longer = TokenLookup.extended(hash, by: trie.nodes[Int(child)].byte)
        found += lookup.tokens(longer)
        if depth + 1 < TokenLookup.longest { pending.append((child, longer, depth + 1)) }
        child = trie.nodes[Int(child)].nextSibling
      }
    }
    return found
  }

  /// Some may come twice.
  func append(_ node: Int32, _ trie: PhraseTrie, to list: inout [Int]) {
    for token in onward[Int(node)] { list.append(Int(token)) }
    if node != PhraseTrie.open, trie.nodes[Int(node)].base == PhraseTrie.open {
      for token in onward[Int(PhraseTrie.open)] { list.append(Int(token)) }
    }
    for token in spaced { list.append(Int(token)) }
  }
}
