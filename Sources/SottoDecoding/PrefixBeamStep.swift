// What one frame does to the hypotheses of a search.

import SottoKernels

extension PrefixBeam {
  /// The likeliest single way to lay a text over the frames, for the times of its tokens.
  struct Path: Sendable {
    var score = -Float.infinity
    /// The last token, and the one before it.
    var peak = TokenPeak()
    var before = TokenPeak()
  }

  /// A hypothesis: all ways to lay it over the frames; with CTC, those whose last frame is its last token apart from the others.
  struct Live: Sendable {
    var node: Int32
    /// Log probabilities, summed over all ways; with a transducer, `blank` is that of all of them.
    var blank: Float = 0
    var token = -Float.infinity
    /// What scorers added, and how much of that may be taken back yet.
    var fusion: Float = 0
    var tentative: Float = 0
    var blankPath = Path(score: 0)
    var tokenPath = Path()

    var acoustic: Float { logAdd(blank, token) }
    var total: Float { acoustic + fusion }
    var best: Path { tokenPath.score > blankPath.score ? tokenPath : blankPath }

    init(node: Int32) { self.node = node }
  }

  /// A hypothesis after the frame: what it was, or that with one token more.
  struct Candidate: Sendable {
    var live: Live
    var parent: Int
    /// The new token; nil where the text stays.
    var token: Int?
  }

  /// Silence: every text stays, and ends in a blank.
  mutating func takeBlank(_ score: Float) {
    for index in beam.indices {
      beam[index].blankPath = beam[index].best
      beam[index].blankPath.score += score
      beam[index].blank = beam[index].acoustic + score
      beam[index].token = -.infinity
      beam[index].tokenPath.score = -.infinity
    }
    rebase()
  }

  /// A frame whose scores are in `rows`.
  mutating func take() {
    stay()
    let takesBack = scorers.contains { $0.takesBack }
    var areAll = true
    var floor = -Float.infinity
    for parent in beam.indices {
      if parent == 0 || topology == .transducer {
        floor = self.floor(of: parent)
        areAll = findTokens(of: parent, above: floor)
      }
      for token in tokens { extend(parent, by: token) }
      if !areAll { extendByFavoured(parent, above: floor) }
    }
    totals.removeAll(keepingCapacity: true)
    tentative.removeAll(keepingCapacity: true)
    for candidate in candidates {
      totals.append(candidate.live.total)
      if takesBack { tentative.append(candidate.live.tentative) }
    }
    let count = options.pruning.rank(totals, tentative: tentative, into: &ranked)
    ranked.removeLast(max(ranked.count - count, 0))
    // Nothing that can follow: the frame is passed over.
    if !ranked.isEmpty { keep() }
    rebase()
  }

  /// Where a hypothesis's scores begin.
  private func offset(_ place: Int) -> Int { topology == .ctc ? 0 : place * (pieces + 1) }

  private func score(_ place: Int, _ column: Int) -> Float { rows[offset(place) + column] }

  /// The score that a token needs to be tried.
  private func floor(of place: Int) -> Float {
    let offset = offset(place)
    var best = -Float.infinity
    for index in offset...(offset + pieces) { best = max(best, rows[index]) }
    return max(best - options.tokenMargin, -.greatestFiniteMagnitude)
  }

  /// Each text without a new token, with what comes from the text that is one token shorter, if that is in the beam.
  private mutating func stay() {
    candidates.removeAll(keepingCapacity: true)
    for (place, live) in beam.enumerated() {
      var stays = live
      let blank = score(place, 0)
      stays.blank = live.acoustic + blank
      stays.blankPath = live.best
      stays.blankPath.score += blank
      let token = tree.token(live.node)
      if token >= 0 {
        if topology == .ctc { goOn(token, place, live, &stays) }
        let parent = tree.parent(live.node)
        if parent >= 0, tree.slot(parent) >= 0 {
          let shorter = tree.slot(parent)
          let entering = entering(token, from: shorter)
          if topology == .ctc {
            stays.token = logAdd(stays.token, entering.sum)
          } else {
            stays.blank = logAdd(stays.blank, entering.sum)
          }
          let path = topology == .ctc ? stays.tokenPath : stays.blankPath
          if entering.path.score > path.score {
            if topology == .ctc { stays.tokenPath = entering.path } else { stays.blankPath = entering.path }
            tree.setPeakBefore(self.path(beam[shorter], before: token).before, of: parent)
          }
        }
      }
      candidates.append(Candidate(live: stays, parent: place, token: nil))
    }
  }

  /// The last token goes on.
  private func goOn(_ token: Int, _ place: Int, _ live: Live, _ stays: inout Live) {
    let score = score(place, token + 1)
    stays.token = live.token + score
    stays.tokenPath.score += score
    if score > stays.tokenPath.peak.score { stays.tokenPath.peak = TokenPeak(frame: frames, score: score) }
  }

  /// The likeliest way of a text that a new token may follow: with CTC, a repetition of its last token needs a blank between.
  private func path(_ live: Live, before token: Int) -> Path {
    tree.token(live.node) == token ? live.blankPath : live.best
  }

  /// What comes from a text to the one with `token` more.
  private func entering(_ token: Int, from place: Int) -> (sum: Float, path: Path) {
    let live = beam[place]
    let from = path(live, before: token)
    let score = score(place, token + 1)
    let sum = (tree.token(live.node) == token ? live.blank : live.acoustic) + score
    return (
      sum, Path(score: from.score + score, peak: TokenPeak(frame: frames, score: score), before: from.peak)
    )
  }

  /// The tokens that are tried: the likeliest, in the order of the vocabulary. Whether they are all above the floor.
  private mutating func findTokens(of place: Int, above floor: Float) -> Bool {
    tokens.removeAll(keepingCapacity: true)
    let first = offset(place) + 1
    for token in 0..<pieces where rows[first + token] >= floor { tokens.append(token) }
    guard tokens.count > options.tokensPerFrame else { return true }
    let rows = rows
    tokens.sort {
      let (one, other) = (rows[first + $0], rows[first + $1])
      return one > other || (one == other && $0 < $1)
    }
    tokens.removeLast(tokens.count - max(options.tokensPerFrame, 0))
    return false
  }

  /// The text with one token more, unless it is in the beam already.
  private mutating func extend(_ parent: Int, by token: Int) {
    let live = beam[parent]
    if let child = tree.child(of: live.node, token: token), tree.slot(child) >= 0 { return }
    let entering = entering(token, from: parent)
    guard entering.sum > -.infinity else { return }
    var longer = Live(node: live.node)
    let nothing = Path()
    if topology == .ctc {
      (longer.blank, longer.blankPath) = (-.infinity, nothing)
      (longer.token, longer.tokenPath) = (entering.sum, entering.path)
    } else {
      (longer.blank, longer.blankPath) = (entering.sum, entering.path)
    }
    longer.fusion = live.fusion + options.insertion
    for scorer in scorers.indices {
      let (score, state) = scorers[scorer].advance(tree.state(scorer, of: live.node), by: token)
      longer.fusion += score
      longer.tentative += scorers[scorer].tentative(state)
    }
    candidates.append(Candidate(live: longer, parent: parent, token: token))
  }

  /// Tries what scorers favour and is not among the likeliest.
  private mutating func extendByFavoured(_ parent: Int, above floor: Float) {
    favoured.removeAll(keepingCapacity: true)
    for scorer in scorers.indices {
      scorers[scorer].appendFavoured(in: tree.state(scorer, of: beam[parent].node), to: &favoured)
    }
    var tried: Set<Int> = []
    for token in favoured
    where token < pieces && score(parent, token + 1) >= floor && !tokens.contains(token) {
      if tried.insert(token).inserted { extend(parent, by: token) }
    }
  }

  func fusion(of token: Int, after node: Int32) -> Float {
    var sum = options.insertion
    for scorer in scorers.indices {
      sum += scorers[scorer].advance(tree.state(scorer, of: node), by: token).score
    }
    return sum
  }

  /// Makes the candidates that were ranked the beam.
  private mutating func keep() {
    grown.removeAll(keepingCapacity: true)
    for live in beam { tree.setSlot(-1, of: live.node) }
    next.removeAll(keepingCapacity: true)
    for place in ranked {
      var live = candidates[place].live
      if let token = candidates[place].token {
        live.node = grow(from: beam[candidates[place].parent], by: token)
      }
      tree.setSlot(next.count, of: live.node)
      next.append(live)
    }
    for live in beam where tree.slot(live.node) < 0 { tree.release(live.node) }
    swap(&beam, &next)
  }

  /// The node of a text with one token more.
  mutating func grow(from live: Live, by token: Int) -> Int32 {
    tree.setPeakBefore(path(live, before: token).before, of: live.node)
    if let child = tree.child(of: live.node, token: token) { return child }
    let child = tree.insert(token, under: live.node)
    grown.append(child)
    for scorer in scorers.indices {
      let state = scorers[scorer].advance(tree.state(scorer, of: live.node), by: token).state
      tree.setState(state, of: scorer, at: child)
    }
    return child
  }

  /// Takes off the totals what the best hypothesis has.
  mutating func rebase() {
    guard let first = beam.first, first.acoustic > -.infinity else { return }
    let (acoustic, path) = (first.acoustic, first.best.score)
    base += Double(acoustic + first.fusion)
    fusionBase += Double(first.fusion)
    for index in beam.indices {
      beam[index].blank -= acoustic
      beam[index].token -= acoustic
      beam[index].fusion -= first.fusion
      beam[index].blankPath.score -= path
      beam[index].tokenPath.score -= path
    }
  }
}
