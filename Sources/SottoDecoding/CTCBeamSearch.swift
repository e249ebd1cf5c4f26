// Text from the scores of a CTC model, as they arrive.

import SottoKernels

/// Prefix beam search (Hannun, Maas, Jurafsky and Ng, arXiv 1408.2873): finds the texts with the largest probability,
/// summed over all ways to lay their tokens over the frames, times what the scorers add.
///
/// A model of `pieces` tokens gives [frames, pieces + 1] log probabilities; class 0 is the blank, class i + 1 is token i.
/// Blocks of rows may be of any sizes, and no result depends on them. `commit` takes tokens out once they are
/// certain: without it memory grows with the text, with it a stream has no end.
///
/// A beam of one is greedy search: the likeliest class of each frame, repetitions and blanks removed. Where scorers take
/// back what they added, the text goes on by its sums, and what they promise is tried beside it.
///
/// What makes no sense is defined: NaN is a log probability of -∞, one above 0 is 0, and a row that allows nothing
/// changes nothing.
public struct CTCBeamSearch: Sendable {
  public struct Options: Sendable, Hashable {
    /// Which hypotheses stay after each frame.
    public var pruning: Pruning
    /// Tokens that are tried in a frame, the likeliest ones.
    public var tokensPerFrame = 24
    /// Tokens less likely by more than this (natural logarithm) than the likeliest class of the frame are not tried.
    public var tokenMargin: Float = 9
    /// Frames whose blank is at least as probable are silence, and cost next to nothing; above 1 there are none.
    public var certainBlank: Float = 0.999
    /// Added for every token, against scorers that favour short texts.
    public var insertion: Float = 0

    public init(beam: Int = 8, margin: Float = 12) { pruning = Pruning(beam: beam, margin: margin) }

    public static let greedy = Options(beam: 1)

    /// Nothing is left out but by the size of the beam.
    public static func exact(beam: Int) -> Options {
      var options = Options(beam: beam, margin: .infinity)
      options.tokensPerFrame = .max
      options.tokenMargin = .infinity
      options.certainBlank = .infinity
      return options
    }
  }

  public let pieces: Int
  public let options: Options
  let scorers: [any FusionScorer]

  /// Rows taken since the search was made.
  public internal(set) var frames = 0

  var tree: PrefixTree
  var beam: [Live] = []
  /// Whether anything was committed since the text began.
  private var hasCommitted = false
  /// What was taken off all totals, so that they stay near 0 and exact; the part of it that scorers added.
  var base = 0.0
  var fusionBase = 0.0
  let certainBlank: Float

  // Memory that is used again for each frame.
  var row: [Float]
  var tokens: [Int] = []
  var candidates: [Candidate] = []
  var totals: [Float] = []
  var tentative: [Float] = []
  var favoured: [Int] = []
  var ranked: [Int] = []
  var next: [Live] = []

  /// - Parameter pieces: size of the vocabulary, without the blank.
  public init(pieces: Int, options: Options = Options(), scorers: [any FusionScorer] = []) {
    self.pieces = max(pieces, 0)
    self.options = options
    self.scorers = scorers
    certainBlank = options.certainBlank > 1 ? .infinity : logarithm(max(options.certainBlank, 0))
    row = [Float](repeating: 0, count: self.pieces + 1)
    tree = PrefixTree(startStates: scorers.map(\.start))
    reset()
  }

  /// Begins a new text, in other audio. Frames are counted on.
  public mutating func reset() {
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
  public mutating func endText() -> [Hypothesis] {
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

  /// Takes the next rows, [rows, pieces + 1].
  ///
  /// - Throws: `DecodingError.classes` where they are not as wide, and takes none of them.
  public mutating func push(_ logProbabilities: Matrix) throws {
    guard logProbabilities.columns == pieces + 1 else {
      throw DecodingError.classes(got: logProbabilities.columns, needed: pieces + 1)
    }
    let isGreedy = options.pruning.beam == 1 && !scorers.contains { $0.takesBack }
    logProbabilities.withUnsafeElements { elements in
      for first in stride(from: 0, to: elements.count, by: pieces + 1) {
        let scores = UnsafeBufferPointer(rebasing: elements[first..<(first + pieces + 1)])
        if scores[0] >= certainBlank {
          takeBlank(logProbability(scores[0]))
        } else if let best = read(scores) {
          if isGreedy { takeBest(largest: best) } else { take(best: best) }
        }
        frames += 1
      }
    }
  }

  /// Takes over a row; the largest log probability in it, nil where there is none.
  private mutating func read(_ scores: UnsafeBufferPointer<Float>) -> Float? {
    var best = -Float.infinity
    row.withUnsafeMutableBufferPointer { row in
      for index in row.indices {
        let score = logProbability(scores[index])
        row[index] = score
        best = max(best, score)
      }
    }
    return best > -.infinity ? best : nil
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
  public func hypotheses(_ count: Int = .max, finishing: Bool = false) -> [Hypothesis] {
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
  public var best: Hypothesis { beam.first.map { hypothesis($0) } ?? Hypothesis() }

  /// How many of its tokens all hypotheses agree on.
  public var stableCount: Int { tree.depth(of: tree.fork) }

  /// Frames since the likeliest text's last token, committed or not; nil where nothing was said since the text began.
  public var framesSinceToken: Int? {
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
  @discardableResult public mutating func commit(_ count: Int) -> Hypothesis {
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
