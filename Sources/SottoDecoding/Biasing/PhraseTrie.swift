// Phrases as a trie that is walked byte by byte, and forgives what comes to nothing.

/// A trie of phrases with the rewards of their beginnings, and where to go on where a match fails (Aho and Corasick 1975).
///
/// The rewards of a text are those of the phrases in it: from the left, at each place where a word begins, the longest phrase
/// that ends where a word ends; the next one is looked for after it. While a phrase is being spelled, each byte
/// earns its share at once, so that a search keeps the hypothesis; when the match fails, all of it is taken back, but for a
/// shorter phrase that was complete. So what a walk has earned is at each moment what is certain, plus `earned` of
/// the place where it stands; all are multiples of 2⁻¹⁰ and small, so that sums are exact.
///
/// Bytes are those of UTF-8, ASCII letters in lower case.
struct PhraseTrie: Sendable {
  struct Node: Sendable {
    var byte: UInt8
    var parent: Int32
    var firstChild: Int32 = -1
    var nextSibling: Int32 = -1
    /// Where a walk stands after these bytes if they are no phrase: `root` or `open`.
    var base: Int32
    /// What the way from the root has earned.
    var earned: Float = 0
    /// Of the phrase that ends here; nil where none does.
    var reward: Float?
    /// Where a walk stands when this match is given up, and what it has earned then.
    var fallback: Int32 = PhraseTrie.root
    var fallbackEarned: Float = 0
    /// What is earned where the text ends here.
    var settled: Float = 0
  }

  /// Within a word that is no phrase.
  static let root: Int32 = 0
  /// Where a word may begin: at the start of a text, after a space or a mark. All phrases hang here.
  static let open: Int32 = 1

  private(set) var nodes = [
    Node(byte: 0, parent: -1, base: PhraseTrie.root), Node(byte: 0, parent: -1, base: PhraseTrie.open),
  ]

  static func folded(_ byte: UInt8) -> UInt8 { byte >= 65 && byte <= 90 ? byte + 32 : byte }

  /// Whether a byte begins a character that is no part of a word: ASCII but letters and digits, and what UTF-8 begins with
  /// C2 (Latin-1's marks) and E2 (General Punctuation).
  static func isMark(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122: false
    case ..<128, 0xC2, 0xE2: true
    default: false
    }
  }

  /// Where a walk stands after a byte that is in no phrase.
  private static func base(after byte: UInt8, _ before: Int32) -> Int32 {
    if isMark(byte) { return open }
    // The further bytes of a character are what its first one was.
    return (0x80..<0xC0).contains(byte) ? before : root
  }

  static func rounded(_ reward: Float) -> Float { (reward * 1024).rounded() / 1024 }

  func child(of node: Int32, _ byte: UInt8) -> Int32? {
    var child = nodes[Int(node)].firstChild
    while child >= 0, nodes[Int(child)].byte != byte { child = nodes[Int(child)].nextSibling }
    return child >= 0 ? child : nil
  }

  /// Adds a phrase, in folded bytes. `link` is to be called when all are there.
  mutating func insert(_ phrase: [UInt8], reward: Float) {
    guard !phrase.isEmpty else { return }
    var node = Self.open
    for (index, byte) in phrase.enumerated() {
      let next = child(of: node, byte) ?? append(byte, under: node)
      let share = Self.rounded(reward * Float(index + 1) / Float(phrase.count))
      nodes[Int(next)].earned = max(nodes[Int(next)].earned, share)
      node = next
    }
    nodes[Int(node)].reward = max(nodes[Int(node)].reward ?? 0, Self.rounded(reward))
  }

  private mutating func append(_ byte: UInt8, under parent: Int32) -> Int32 {
    let place = Int32(nodes.count)
    var node = Node(byte: byte, parent: parent, base: Self.base(after: byte, nodes[Int(parent)].base))
    node.nextSibling = nodes[Int(parent)].firstChild
    nodes.append(node)
    nodes[Int(parent)].firstChild = place
    return place
  }

  /// Finds out where matches that fail go on, from the shortest to the longest.
  mutating func link() {
    var level = [Self.open]
    while !level.isEmpty {
      var next: [Int32] = []
      for parent in level {
        var child = nodes[Int(parent)].firstChild
        while child >= 0 {
          link(child, under: parent)
          next.append(child)
          child = nodes[Int(child)].nextSibling
        }
      }
      level = next
    }
  }

  private mutating func link(_ node: Int32, under parent: Int32) {
    let byte = nodes[Int(node)].byte
    let above = nodes[Int(parent)]
    if parent == Self.open {
      nodes[Int(node)].fallback = nodes[Int(node)].base
    } else {
      let from: (earned: Float, node: Int32)
      if let reward = above.reward, Self.isMark(byte) {
        // The shorter phrase is complete, whatever becomes of the longer one.
        from = (reward, above.base)
      } else {
        from = (above.fallbackEarned, above.fallback)
      }
      let step = step(from.node, byte)
      nodes[Int(node)].fallback = step.node
      nodes[Int(node)].fallbackEarned = from.earned + step.score
    }
    let here = nodes[Int(node)]
    let fallback = nodes[Int(here.fallback)]
    nodes[Int(node)].settled = here.reward ?? (here.fallbackEarned - fallback.earned + fallback.settled)
  }

  /// One byte on: what it earns, or loses, and where the walk stands.
  func step(_ start: Int32, _ byte: UInt8) -> (score: Float, node: Int32) {
    var node = start
    var score: Float = 0
    while true {
      let here = nodes[Int(node)]
      if let child = child(of: node, byte) {
        return (score + nodes[Int(child)].earned - here.earned, child)
      }
      if node == Self.root || node == Self.open {
        return (score, Self.base(after: byte, node))
      }
      if let reward = here.reward, Self.isMark(byte) {
        score += reward - here.earned
        node = here.base
      } else {
        score += here.fallbackEarned - here.earned
        node = here.fallback
      }
    }
  }
}
