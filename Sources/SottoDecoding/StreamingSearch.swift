// What all searches through a stream have in common.

import SottoKernels

/// How much a search tries.
public struct StreamingSearchOptions: Sendable, Hashable {
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

  public static let greedy = Self(beam: 1)

  /// Nothing is left out but by the size of the beam.
  public static func exact(beam: Int) -> Self {
    var options = Self(beam: beam, margin: .infinity)
    options.tokensPerFrame = .max
    options.tokenMargin = .infinity
    options.certainBlank = .infinity
    return options
  }
}

/// A search for the likeliest text in a stream of scores, with what it has found so far. Blocks of rows may be of any sizes, and no
/// result depends on them. `commit` takes tokens out once they are certain: without it memory grows with the text, with it a
/// stream has no end.
public protocol StreamingSearch: Sendable {
  /// The hypotheses.
  var prefixes: PrefixBeam { get set }

  /// Takes the next rows: a CTC model's log probabilities, [rows, pieces + 1], and the outputs of its last recurrent layer,
  /// [rows, width], which CTC does not need.
  ///
  /// - Throws: `DecodingError.classes` where they are not as wide as they should be, and takes none of them.
  mutating func push(_ logProbabilities: Matrix, heard: Matrix) throws

  /// Begins a new text, in other audio. Frames are counted on.
  mutating func reset()

  /// Ends the text and begins the next one in the same audio. A token that is being said belongs to the first alone.
  ///
  /// - Returns: the hypotheses of the text, finished, without what was committed.
  mutating func endText() -> [Hypothesis]
}

extension StreamingSearch {
  /// Size of the vocabulary, without the blank.
  public var pieces: Int { prefixes.pieces }
  public var options: StreamingSearchOptions { prefixes.options }
  /// Rows taken since the search was made.
  public var frames: Int { prefixes.frames }

  /// The texts found, best first, without what was committed.
  ///
  /// `scores` are the log probabilities of the tokens in the frames in which they were likeliest; `total` is that of the
  /// text since it began, with what scorers add, the committed part included.
  ///
  /// - Parameters:
  ///   - count: how many at most.
  ///   - finishing: whether the text ends here, so that scorers add what the end of a text does.
  public func hypotheses(_ count: Int = .max, finishing: Bool = false) -> [Hypothesis] {
    prefixes.hypotheses(count, finishing: finishing)
  }

  /// The likeliest text, without what was committed.
  public var best: Hypothesis { prefixes.best }

  /// How many of its tokens all hypotheses agree on.
  public var stableCount: Int { prefixes.stableCount }

  /// Frames since the likeliest text's last token, committed or not; nil where nothing was said since the text began.
  public var framesSinceToken: Int? { prefixes.framesSinceToken }

  /// Takes the first `count` tokens of the likeliest text out for good, and drops all hypotheses that have others there.
  /// Later results begin after them.
  @discardableResult public mutating func commit(_ count: Int) -> Hypothesis { prefixes.commit(count) }
}
