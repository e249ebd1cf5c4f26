// Recognition of audio as it arrives.

import SottoDecoding
import SottoFeatures
import SottoKernels
import SottoModels

/// One stream of audio through a streaming model: samples in, events out. Nothing that was committed or final changes; the
/// events do not depend on the pieces in which the samples come; memory does not grow, however long the stream is.
///
///     let model = try StreamingModel(path: "stream-ctc.safetensors")
///     let stream = try RecognitionStream(model)
///     while let samples = microphone.next() {
///       for event in try stream.accept(samples) { show(event) }
///     }
///     for event in try stream.finish() { show(event) }
///
/// Between utterances, quiet audio (`ActivityGate`) is not computed at all, but for its features.
public final class RecognitionStream: SpeechStream {
  public struct Options: Sendable {
    /// Length of a chunk, one of `StreamingModel.chunkMilliseconds`; nil for the model's choice. Text appears chunk by chunk. With an
    /// attention model, the time from one reading of a growing utterance to the next.
    public var chunkMilliseconds: Int?
    /// Hypotheses that the search keeps; 1 is greedy.
    public var beam = 8
    /// What ends an utterance.
    public var endpointing = Endpointing.Configuration.balanced
    /// When words become final within an utterance.
    public var commitRule = CommitRule()
    /// Further readings given with each final segment.
    public var alternatives = 0
    /// Whether final segments have words with times and confidences.
    public var wordTimes = false
    /// Whether changes of an utterance under way are told.
    public var partials = true
    /// Language model, made for the model's word pieces; of two passes, the first's.
    public var languageModel: LanguageModel?
    /// That of the second pass, where there is one.
    public var secondPassLanguageModel: LanguageModel?
    /// Words and phrases to listen for.
    public var bias: BiasList?
    /// Threads that compute; 0 for one each core.
    public var threads = 1

    public init() {}
  }

  public let model: StreamingModel
  public let options: Options
  /// Partial results cost next to nothing here; while set, they are left out.
  public var skipsPartials = false

  private let scorer: CTCStream
  private var features: StreamingLogMel
  private var gate: ActivityGate
  private var search: any StreamingSearch
  private var endpointing: Endpointing
  private var utterance: Utterance

  /// Features that the model has not heard: the last ones before speech begins, or its lookahead.
  private var waiting: Matrix
  /// `frames` after the last one that may be speech.
  private var lastActive = Int.min / 2
  /// Whether the scorer is at work, or waits for speech.
  private var isRunning = false
  /// Features that came.
  private var frames = 0
  /// The row with which the utterance under way began.
  private var startRow = 0
  private var lastPartial = ""
  private var isFinished = false

  // What a second pass has to know.

  /// Whether the scores of an utterance are kept until it is over.
  var keepsScores = false
  private var scores: [Float] = []
  /// An utterance that is over: the seconds at which its audio begins, its last token was said, and what was heard of it ends; that
  /// token's row, and its scores [rows, classes].
  typealias Ended = (start: Double, end: Double, heard: Double, lastToken: Int, scores: Matrix)
  /// The one that ended last.
  private(set) var ended: Ended?
  /// The utterance under way, where something was said: the seconds at which its audio begins, what was heard of it ends, and the
  /// lookahead after that; the row of its last token, and the seconds of silence since.
  var underway: (start: Double, heard: Double, ahead: Double, lastToken: Int, silence: Double)? {
    guard isRunning, let since = search.framesSinceToken, let silent = silentRows else { return nil }
    let heard = utterance.time(ofRow: search.frames)
    return (
      utterance.time(ofRow: startRow), heard, heard + Double(scorer.featuresAhead) * frameDuration,
      search.frames - 1 - since, Double(silent) * model.acoustic.rowDuration
    )
  }
  /// Seconds from which on audio may belong to an utterance that is not over.
  var needed: Double {
    isRunning
      ? utterance.time(ofRow: startRow) : max(0, Double(frames - Self.preroll) * frameDuration)
  }

  /// Frames before the first sound that the model hears: half a second.
  private static let preroll = 50
  /// Seconds of sound that one token stands for at most.
  private static let longestToken = 0.4
  /// An utterance of which nothing was committed and whose confidence is less is noise put into words.
  private static let leastConfidence = 0.2

  /// - Throws: `ModelError.chunk` where the model has no such chunks; `DecodingError.biasPhrase` for phrases that cannot be
  ///   listened for.
  public init(_ model: StreamingModel, options: Options = .init()) throws {
    self.model = model
    self.options = options
    let context = ComputeContext(workers: options.threads == 1 ? .one : Workers(count: options.threads))
    scorer = try CTCStream(model.acoustic, chunkMilliseconds: options.chunkMilliseconds, context: context)
    features = try model.features
    let bands = model.configuration.features.melBands
    gate = ActivityGate(bands: bands)
    try options.languageModel?.file.check(
      fits: LanguageModelVocabulary(model.vocabulary), of: model.configuration.name)
    var scorers: [any FusionScorer] = []
    if let languageModel = options.languageModel {
      scorers.append(languageModel.scorer(for: model.configuration.family))
    }
    if let bias = options.bias { scorers.append(try ContextBias(bias, vocabulary: model.vocabulary)) }
    search = model.search(.init(beam: max(options.beam, 1)), scorers: scorers, context: context)
    endpointing = Endpointing(options.endpointing)
    utterance = Utterance(vocabulary: model.vocabulary, rowDuration: model.acoustic.rowDuration)
    waiting = Matrix(rows: 0, columns: bands)
  }

  /// Seconds from a frame of features to the next.
  private var frameDuration: Double {
    Double(model.configuration.features.hop) / Double(model.configuration.features.sampleRate)
  }

  public func accept(_ samples: [Float], sampleRate: Int?) throws -> [RecognitionEvent] {
    guard !isFinished else { throw RecognitionError.finished }
    if let sampleRate, sampleRate != model.sampleRate {
      throw RecognitionError.sampleRate(got: sampleRate, needed: model.sampleRate)
    }
    var events: [RecognitionEvent] = []
    try take(features.push(audible(samples)), &events)
    return events
  }

  public func finishUtterance() throws -> [RecognitionEvent] {
    guard !isFinished else { throw RecognitionError.finished }
    var events: [RecognitionEvent] = []
    try flush(&events)
    return events
  }

  public func finish() throws -> [RecognitionEvent] {
    guard !isFinished else { return [] }
    var events: [RecognitionEvent] = []
    try take(features.finish(), &events)
    try flush(&events)
    isFinished = true
    return events
  }

  public func reset() {
    _ = features.finish()
    gate = ActivityGate(bands: waiting.columns)
    waiting = Matrix(rows: 0, columns: waiting.columns)
    stop()
    search.reset()
    (scores, ended) = ([], nil)
    frames = 0
    lastActive = Int.min / 2
    utterance = Utterance(vocabulary: model.vocabulary, rowDuration: model.acoustic.rowDuration)
    isFinished = false
  }

  // MARK: Features to scores

  /// Frames are looked at one chunk at most at once, so that endpoints do not depend on the pieces that came.
  private func take(_ new: Matrix, _ events: inout [RecognitionEvent]) throws {
    for row in 0..<new.rows {
      let frame = new.rows(row..<(row + 1))
      let isActive = gate.push(frame)
      frames += 1
      if isActive { lastActive = frames }
      if isRunning {
        try score(frame, &events)
      } else {
        waiting.append(frame, keeping: Self.preroll)
      }
      // An utterance may have ended while the next one began within the lookahead.
      if !isRunning, frames - lastActive < waiting.rows { try start(&events) }
    }
  }

  private func start(_ events: inout [RecognitionEvent]) throws {
    isRunning = true
    startRow = search.frames
    utterance.setOrigin(row: startRow, time: Double(frames - waiting.rows) * frameDuration)
    let first = waiting
    waiting = Matrix(rows: 0, columns: waiting.columns)
    for row in 0..<first.rows { try score(first.rows(row..<(row + 1)), &events) }
  }

  /// The scorer waits for speech; what it remembers is forgotten.
  private func stop() {
    scorer.reset()
    isRunning = false
    endpointing.reset()
    lastPartial = ""
  }

  private func score(_ frame: Matrix, _ events: inout [RecognitionEvent]) throws {
    waiting.append(frame, keeping: scorer.featuresAhead)
    var failure: (any Error)?
    var hasRows = false
    try scorer.push(frame) { scores in
      hasRows = true
      do { try push(scores) } catch { failure = error }
    }
    if let failure { throw failure }
    if hasRows { chunkEnded(&events) }
  }

  private func push(_ rows: Matrix) throws {
    try search.push(rows, heard: scorer.heard)
    if keepsScores { scores += rows.elements }
  }

  private func chunkEnded(_ events: inout [RecognitionEvent]) {
    let rows = search.frames
    let quiet = quietRowsAhead
    let rule = endpointing.observe(
      silentFrames: silentRows,
      length: Double(rows + quiet - startRow) * model.acoustic.rowDuration,
      frameDuration: model.acoustic.rowDuration)
    let committed = search.commit(by: options.commitRule) { model.vocabulary.beginsWord($0) }
    utterance.commit(committed, rows: search.best.frames.first ?? rows)
    if let rule {
      end(rule, &events)
    } else if options.partials, !skipsPartials {
      tellPartial(&events)
    }
  }

  /// Rows of the lookahead, where all of it is quiet: they have no scores yet, and will have no words.
  private var quietRowsAhead: Int {
    guard frames - lastActive >= scorer.featuresAhead else { return 0 }
    return Int(Double(scorer.featuresAhead) * frameDuration / model.acoustic.rowDuration)
  }

  /// Rows of silence since something was said; nil where nothing was. A token is found near its beginning, and its sound goes on: silence is
  /// counted from the last sound, or, where sounds do not end, as in noise, from the time that the longest token takes.
  private var silentRows: Int? {
    guard let since = search.framesSinceToken else { return nil }
    let rowDuration = model.acoustic.rowDuration
    let sinceToken = since + quietRowsAhead
    let sinceSound = Int(Double(frames - lastActive) * frameDuration / rowDuration)
    return max(min(sinceToken, sinceSound), sinceToken - Int(Self.longestToken / rowDuration))
  }

  private func tellPartial(_ events: inout [RecognitionEvent]) {
    let best = search.best
    let partial = PartialResult(
      committed: utterance.text, volatile: utterance.volatileText(best), start: utterance.start(of: best),
      time: Double(frames) * frameDuration)
    if partial.text != lastPartial {
      lastPartial = partial.text
      events.append(.partial(partial))
    }
  }

  // MARK: Ends

  private func end(_ rule: Endpointing.Rule?, _ events: inout [RecognitionEvent]) {
    let hadCommitted = !utterance.isEmpty
    let rows = search.frames
    if keepsScores {
      let last = rows - 1 - (search.framesSinceToken ?? 0)
      let classes = model.vocabulary.size + 1
      ended = (
        utterance.time(ofRow: startRow), utterance.time(ofRow: last + 1), utterance.time(ofRow: rows), last,
        Matrix(rows: scores.count / classes, columns: classes, elements: scores)
      )
      scores = []
    }
    let readings = search.endText()
    let segment = utterance.finish(
      readings, rows: rows, alternatives: options.alternatives, withWords: options.wordTimes)
    if let segment, hadCommitted || segment.confidence >= Self.leastConfidence {
      events.append(.final(segment, rule))
    } else if !lastPartial.isEmpty {
      // What was shown was nothing.
      events.append(
        .partial(
          PartialResult(
            committed: "", volatile: "", start: Double(frames) * frameDuration,
            time: Double(frames) * frameDuration)))
    }
    endpointing.reset()
    lastPartial = ""
    startRow = rows
    switch rule {
    case .longestUtterance:
      // In the middle of speech: what the model has heard stays.
      break
    default:
      // The frames that are waiting have not been heard yet.
      stop()
    }
  }

  private func flush(_ events: inout [RecognitionEvent]) throws {
    guard isRunning else { return }
    var failure: (any Error)?
    scorer.finish { scores in
      do { try push(scores) } catch { failure = error }
    }
    if let failure { throw failure }
    // All of them are heard now.
    waiting = Matrix(rows: 0, columns: waiting.columns)
    end(nil, &events)
  }
}

extension Matrix {
  /// Appends rows, and drops the first ones beyond the last `limit`.
  fileprivate mutating func append(_ rows: Matrix, keeping limit: Int) {
    var elements = self.elements
    elements += rows.elements
    let surplus = max(0, elements.count / max(columns, 1) - limit)
    elements.removeFirst(surplus * columns)
    self = Matrix(rows: elements.count / max(columns, 1), columns: columns, elements: elements)
  }
}
