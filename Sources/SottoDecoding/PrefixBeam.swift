// The hypotheses of a search through a stream.

import SottoKernels

/// The likeliest texts so far as nodes of a tree of tokens, each with the sum over all ways to lay it over the frames, and what
/// scorers added. `CTCBeamSearch`, `TransducerBeamSearch` and `MoChABeamSearch` say what a frame does to them (`PrefixBeamStep`).
public struct PrefixBeam: Sendable {
  /// Which ways a text can be laid over the frames.
  enum Topology: Sendable {
    /// A token may last for several frames; said twice, it has a blank between. All hypotheses have the same scores.
    case ctc
    /// A token takes one frame. Each hypothesis has scores of its own.
    case transducer
  }

  public let pieces: Int
  public let options: StreamingSearchOptions
  let topology: Topology
  let scorers: [any FusionScorer]

  /// Frames that were taken.
  public internal(set) var frames = 0

  var tree: PrefixTree
  var beam: [Live] = []
  /// Whether anything was committed since the text began.
  private var hasCommitted = false
  /// What was taken off all totals, so that they stay near 0 and exact; the part of it that scorers added.
  var base = 0.0
  var fusionBase = 0.0
  let certainBlank: Float

  /// Log probabilities of the classes in the frame at hand: one row for all hypotheses, or one for each.
  var rows: [Float]
  /// Nodes that came to the tree with the frame at hand.
  var grown: [Int32] = []

  // Memory that is used again for each frame.
  var tokens: [Int] = []
  var candidates: [Candidate] = []
  var totals: [Float] = []
  var tentative: [Float] = []
  var favoured: [Int] = []
  var ranked: [Int] = []
  var next: [Live] = []

  init(
    pieces: Int, options: StreamingSearchOptions, scorers: [any FusionScorer], topology: Topology
  ) {
    self.pieces = max(pieces, 0)
    self.options = options
    self.topology = topology
    self.scorers = scorers
    certainBlank = options.certainBlank > 1 ? .infinity : logarithm(max(options.certainBlank, 0))
    rows = [Float](repeating: 0, count: self.pieces + 1)
    tree = PrefixTree(startStates: scorers.map(\.start))
    reset()
  }

  /// Begins a new text, in other audio. Frames are counted on.
  mutating func reset() {
    tree.reset(startStates: scorers.map(\.start))
    beam.removeAll(keepingCapacity: true)
    beam.append(Live(node: tree.root))
    tree.setSlot(0, of: tree.root)
    base = 0
    fusionBase = 0
    hasCommitted = false
  }

  /// Ends the text and begins the next one in the same audio. A token that is being said belongs to the first alone.
  ///
  /// - Returns: the hypotheses of the text, finished, without what was committed.
  mutating func endText() -> [Hypothesis] {
    let ends = beam.indices.map { $0 }.max { total(finishing: $0) < total(finishing: $1) }
    let last = ends.map { beam[$0] }
    let results = hypotheses(finishing: true)
    let token = last.map { tree.token($0.node) } ?? -1
    reset()
    if let last, token >= 0, last.tokenPath.score > last.blankPath.score {
      tree.setRootToken(token)
      beam[0].token = 0
      beam[0].tokenPath.score = 0
      beam[0].blank = -.infinity
      beam[0].blankPath.score = -.infinity
    }
    return results
  }

  // MARK: Results

  /// The texts found, best first, without what was committed.
  ///
  /// `scores` are the log probabilities of the tokens in the frames in which they were likeliest; `total` is that of the
  /// text since it began, with what scorers add, the committed part included.
  ///
  /// - Parameters:
  ///   - count: how many at most.
  ///   - finishing: whether the text ends here, so that scorers add what the end of a text does.
  func hypotheses(_ count: Int = .max, finishing: Bool = false) -> [Hypothesis] {
    var results = beam.map { hypothesis($0) }
    if finishing {
      for index in results.indices {
        results[index] = results[index].finished(score: 0, fusion: end(of: beam[index].node))
      }
      results.sort { $0.total > $1.total }
    }
    return Array(results.prefix(max(count, 0)))
  }

  /// What scorers add where a text ends.
  private func end(of node: Int32) -> Float {
    scorers.indices.reduce(0) { $0 + scorers[$1].finish(tree.state($1, of: node)) }
  }

  private func total(finishing index: Int) -> Float { beam[index].total + end(of: beam[index].node) }

  /// The likeliest text, without what was committed.
  var best: Hypothesis { beam.first.map { hypothesis($0) } ?? Hypothesis() }

  /// How many of its tokens all hypotheses agree on.
  var stableCount: Int { tree.depth(of: tree.fork) }

  /// Frames since the likeliest text's last token, committed or not; nil where nothing was said since the text began.
  var framesSinceToken: Int? {
    guard let first = beam.first, first.node != tree.root || hasCommitted else { return nil }
    return frames - 1 - first.best.peak.frame
  }

  private func hypothesis(_ live: Live) -> Hypothesis {
    var result = Hypothesis()
    result.total = Float(base + Double(live.total))
    result.fusion = Float(fusionBase + Double(live.fusion))
    var peak = live.best.peak
    var before = live.best.before
    var node = live.node
    var latest = Int.max
    while node != tree.root {
      result.tokens.append(tree.token(node))
      result.scores.append(peak.score)
      latest = min(latest, peak.frame)
      result.frames.append(latest)
      node = tree.parent(node)
      peak = before
      before = node >= 0 ? tree.nodes[Int(node)].before : TokenPeak()
    }
    result.tokens.reverse()
    result.scores.reverse()
    result.frames.reverse()
    return result
  }

  // MARK: Committing

  /// Takes the first `count` tokens of the likeliest text out for good, and drops all hypotheses that have others there.
  /// Later results begin after them.
  mutating func commit(_ count: Int) -> Hypothesis {
    guard count > 0, let first = beam.first else { return Hypothesis() }
    let committed = hypothesis(first).cut(to: count)
    guard !committed.tokens.isEmpty else { return committed }
    let last = ancestor(of: first.node, above: tree.depth(of: first.node) - committed.tokens.count)
    next.removeAll(keepingCapacity: true)
    for live in beam { tree.setSlot(-1, of: live.node) }
    for live in beam where descends(live.node, from: last) {
      tree.setSlot(next.count, of: live.node)
      next.append(live)
    }
    for live in beam where tree.slot(live.node) < 0 { tree.release(live.node) }
    swap(&beam, &next)
    for _ in committed.tokens { tree.dropRoot() }
    hasCommitted = true
    return committed
  }

  private func ancestor(of node: Int32, above steps: Int) -> Int32 {
    var node = node
    for _ in 0..<max(steps, 0) where node != tree.root { node = tree.parent(node) }
    return node
  }

  private func descends(_ node: Int32, from ancestor: Int32) -> Bool {
    var node = node
    while node != ancestor {
      if node == tree.root { return false }
      node = tree.parent(node)
    }
    return true
  }
}
