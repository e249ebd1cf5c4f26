// The token sequences of a beam, sharing what they have in common.

/// A tree of tokens: a hypothesis is a node, its text the way from the root. Nodes that no hypothesis needs are used
/// again, so that memory depends on the length of what is still open and not on that of the stream.
struct PrefixTree: Sendable {
  struct Node: Sendable {
    /// The token that leads here; -1 for none, at the root.
    var token: Int32
    var parent: Int32
    var firstChild: Int32 = -1
    var nextSibling: Int32 = -1
    /// Place in the beam; -1 for a node that is no hypothesis itself, -2 for one that is free.
    var slot: Int32 = -1
    /// When the parent's token was said on the way here.
    var before = TokenPeak()
  }

  private(set) var nodes: [Node] = []
  /// What scorers remember of each node, `scorers` numbers a node.
  private var states: [UInt64] = []
  private let scorers: Int
  private var firstFree: Int32 = -1
  private(set) var root: Int32 = 0

  init(startStates: [UInt64]) {
    scorers = startStates.count
    reset(startStates: startStates)
  }

  /// Forgets everything but the memory.
  mutating func reset(startStates: [UInt64]) {
    nodes.removeAll(keepingCapacity: true)
    states.removeAll(keepingCapacity: true)
    nodes.append(Node(token: -1, parent: -1))
    states += startStates
    firstFree = -1
    root = 0
  }

  func token(_ node: Int32) -> Int { Int(nodes[Int(node)].token) }
  func parent(_ node: Int32) -> Int32 { nodes[Int(node)].parent }
  func slot(_ node: Int32) -> Int { Int(nodes[Int(node)].slot) }

  mutating func setSlot(_ slot: Int, of node: Int32) { nodes[Int(node)].slot = Int32(slot) }
  /// What is being said where a text begins, and does not belong to it.
  mutating func setRootToken(_ token: Int) { nodes[Int(root)].token = Int32(token) }
  mutating func setPeakBefore(_ peak: TokenPeak, of node: Int32) { nodes[Int(node)].before = peak }

  func state(_ scorer: Int, of node: Int32) -> UInt64 { states[Int(node) * scorers + scorer] }
  mutating func setState(_ state: UInt64, of scorer: Int, at node: Int32) {
    states[Int(node) * scorers + scorer] = state
  }

  func child(of node: Int32, token: Int) -> Int32? {
    var child = nodes[Int(node)].firstChild
    while child >= 0, nodes[Int(child)].token != token { child = nodes[Int(child)].nextSibling }
    return child >= 0 ? child : nil
  }

  /// A new child. Its states are to be set.
  mutating func insert(_ token: Int, under parent: Int32) -> Int32 {
    var node = Node(token: Int32(token), parent: parent)
    node.nextSibling = nodes[Int(parent)].firstChild
    let place: Int32
    if firstFree >= 0 {
      place = firstFree
      firstFree = nodes[Int(place)].nextSibling
      nodes[Int(place)] = node
    } else {
      place = Int32(nodes.count)
      nodes.append(node)
      for _ in 0..<scorers { states.append(0) }
    }
    nodes[Int(parent)].firstChild = place
    return place
  }

  /// Frees a node and those above it, as far as nothing hangs on them. Does nothing to one that is free already.
  mutating func release(_ node: Int32) {
    var node = node
    while node != root, nodes[Int(node)].slot == -1, nodes[Int(node)].firstChild < 0 {
      let parent = nodes[Int(node)].parent
      unlink(node, from: parent)
      free(node)
      node = parent
    }
  }

  private mutating func free(_ node: Int32) {
    nodes[Int(node)].slot = -2
    nodes[Int(node)].nextSibling = firstFree
    firstFree = node
  }

  private mutating func unlink(_ node: Int32, from parent: Int32) {
    let next = nodes[Int(node)].nextSibling
    if nodes[Int(parent)].firstChild == node {
      nodes[Int(parent)].firstChild = next
      return
    }
    var sibling = nodes[Int(parent)].firstChild
    while sibling >= 0, nodes[Int(sibling)].nextSibling != node { sibling = nodes[Int(sibling)].nextSibling }
    if sibling >= 0 { nodes[Int(sibling)].nextSibling = next }
  }

  /// The node that all hypotheses come through, farthest from the root.
  var fork: Int32 {
    var node = root
    while nodes[Int(node)].slot < 0 {
      let child = nodes[Int(node)].firstChild
      guard child >= 0, nodes[Int(child)].nextSibling < 0 else { break }
      node = child
    }
    return node
  }

  func depth(of node: Int32) -> Int {
    var (depth, node) = (0, node)
    while node != root {
      depth += 1
      node = nodes[Int(node)].parent
    }
    return depth
  }

  /// Makes the root's only child the root. It keeps its token, for a repetition of it is told from it.
  mutating func dropRoot() {
    let child = nodes[Int(root)].firstChild
    guard child >= 0, nodes[Int(root)].slot < 0, nodes[Int(child)].nextSibling < 0 else { return }
    free(root)
    nodes[Int(child)].parent = -1
    root = child
  }
}

/// The frame at which a token was likeliest, and its log probability there.
struct TokenPeak: Sendable {
  var frame = 0
  var score = -Float.infinity
}
