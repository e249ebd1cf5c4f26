// One chunk of speech in, text with times out.

import SottoDecoding
import SottoKernels
import SottoModels

/// Decodes chunks that fit into the model's window.
struct ChunkDecoder {
  let model: AttentionModel
  let configuration: RecognizerConfiguration
  let context: ComputeContext
  let clock = StageClock()
  /// What is added to the model's scores.
  private let scorers: [any FusionScorer]

  /// - Throws: `DecodingError.biasPhrase` for phrases that cannot be listened for; `ModelError` where the language model is for
  ///   another model.
  init(model: AttentionModel, configuration: RecognizerConfiguration, context: ComputeContext) throws {
    self.model = model
    self.configuration = configuration
    self.context = context
    var scorers: [any FusionScorer] = []
    if let languageModel = configuration.languageModel {
      try languageModel.file.check(fits: LanguageModelVocabulary(model), of: model.configuration.name)
      scorers.append(languageModel.scorer(for: .attention))
    }
    if let bias = configuration.bias {
      scorers.append(
        try ContextBias(bias, vocabulary: model.vocabulary, textTokens: model.special.endOfText))
    }
    self.scorers = scorers
  }

  /// For a stream, as its options say.
  ///
  /// - Throws: `DecodingError.biasPhrase` for phrases that cannot be listened for; `ModelError` where the language model is for
  ///   another model.
  init(_ model: AttentionModel, live options: RecognitionStream.Options) throws {
    var configuration = RecognizerConfiguration()
    configuration.beam = max(options.beam, 1)
    configuration.nBest = options.alternatives + 1
    configuration.wordTimes = options.wordTimes
    configuration.threads = options.threads
    configuration.languageModel = options.languageModel
    configuration.bias = options.bias
    try self.init(
      model: model, configuration: configuration,
      context: ComputeContext(workers: options.threads == 1 ? .one : Workers(count: options.threads)))
  }

  /// A reading of a chunk. Times are seconds from its start.
  struct Reading {
    var tokens: [Int]
    /// Log probability of each token.
    var scores: [Float]
    var words: [Word] = []
    /// The last timestamp, where the decoder took its text to end.
    var end: Double?

    /// The geometric mean of the tokens' probabilities.
    var confidence: Double { probability(mean: scores.reduce(0, +) / Float(max(scores.count, 1))) }
  }

  /// Below this mean log probability a reading is doubted (`logprob_threshold` of openai/whisper).
  private static let doubtfulMean: Float = -1
  /// Probability of the no-speech token above which a doubted reading is taken for none (`no_speech_threshold`).
  private static let noSpeechProbability: Float = 0.6
  /// Below this geometric mean of its tokens' probabilities a reading is noise put into words. Music and rattling
  /// noises gave 0.02 to 0.06, the least certain real speech 0.4, the least certain in noise as loud as itself 0.4.
  private static let leastConfidence = 0.15
  /// Seconds from a timestamp to the next.
  private static let timestampStep = 0.02
  /// Tokens of text that a window can hold.
  private static let mostTokens = 224
  /// Runs of tokens that may not come again in the second attempt at a chunk that looped.
  private static let uniqueRun = 4

  /// The readings of a chunk, best first; none where it holds no speech.
  ///
  /// - Parameters:
  ///   - previous: tokens of the text before, where it is to be carried over.
  ///   - prefix: what was heard before, whose words all readings begin with; written otherwise, perhaps.
  func readings(_ samples: [Float], previous: [Int] = [], keeping prefix: Hypothesis = .init()) -> [Reading] {
    let encoded = clock.measure(\.encoder) { self.encoded(samples) }
    return clock.measure(\.decoder) {
      readings(encoded, samples, previous: previous, keeping: prefix)
    }
  }

  /// What is heard of speech that may go on: greedy, without times; nil where it is no speech, or makes no sense.
  func draft(_ samples: [Float], after prefix: Hypothesis) -> Hypothesis? {
    let encoded = clock.measure(\.encoder) { self.encoded(samples) }
    return clock.measure(\.decoder) {
      let slots = 2 * (Self.mostTokens + 8) + model.decoder.capacity
      let session = DecoderSession(model.decoder, encoded: encoded, slots: slots, context: context)
      let rules = rules(frames: frames(of: samples.count, in: encoded))
      let result = search(
        session, prompt: [model.special.startOfTranscript], after: prefix, rules: rules, beam: 1)
      guard let best = result.hypotheses.first, !result.metLoop, !isSilence(result),
        reading(best).confidence >= Self.leastConfidence
      else { return nil }
      return best
    }
  }

  func frames(of count: Int, in encoded: AudioEncoder.States) -> Int {
    let seconds = Double(count) / Double(model.configuration.features.sampleRate)
    return min(Int((seconds / model.frameDuration).rounded(.up)), encoded.states.rows)
  }

  func rules(frames: Int) -> TokenRules {
    var rules = model.rules(timestamps: true)
    rules.latestEnd = frames
    return rules
  }

  private func readings(
    _ encoded: AudioEncoder.States, _ samples: [Float], previous: [Int], keeping prefix: Hypothesis
  ) -> [Reading] {
    let slots = (configuration.beam + 1) * (Self.mostTokens + 8) + model.decoder.capacity
    let session = DecoderSession(model.decoder, encoded: encoded, slots: slots, context: context)
    // Observers see each token of the final text once, and no hypotheses.
    session.context.observer = nil
    let frames = frames(of: samples.count, in: encoded)
    let prompt = carried(previous) + [model.special.startOfTranscript]
    var found = search(session, prompt: prompt, after: .init(), frames: frames)
    if !prefix.tokens.isEmpty, !begins(found, with: prefix) {
      session.reset()
      found = search(session, prompt: prompt, after: prefix, frames: frames)
    }
    guard let best = found else { return [] }
    var readings: [Reading] = []
    for hypothesis in best.hypotheses where readings.count < max(configuration.nBest, 1) {
      var reading = reading(hypothesis)
      // Hypotheses may differ in their timestamps alone.
      if reading.tokens.isEmpty || readings.contains(where: { $0.tokens == reading.tokens }) { continue }
      // If the best is noise, worse ones are no speech either, however sure of themselves.
      if reading.confidence < Self.leastConfidence { break }
      session.reset()
      reading.words = words(reading, session: session, frames: frames)
      if readings.isEmpty, soundGoesOn(after: reading, in: samples),
        var longer = goneOn(
          hypothesis,
          room: Double(samples.count) / Double(model.configuration.features.sampleRate)
            - (reading.words.last?.start ?? 0), session: session, prompt: prompt, frames: frames)
      {
        session.reset()
        longer.words = words(longer, session: session, frames: frames)
        reading = longer
      }
      reading.dropRepetitions(model.vocabulary.words(reading.tokens).map(\.tokens))
      readings.append(reading)
    }
    return readings
  }

  /// What is found, the second attempt included where the first is doubted; nil where it is no speech.
  private func search(
    _ session: DecoderSession, prompt: [Int], after prefix: Hypothesis, frames: Int
  ) -> AttentionBeamSearch.Result? {
    let ids = model.special
    let first = search(session, prompt: prompt, after: prefix, rules: rules(frames: frames))
    if isSilence(first) { return nil }
    guard first.metLoop || isDoubtful(first) else { return first }
    var strict = model.rules(timestamps: false)
    strict.uniqueRun = Self.uniqueRun
    session.reset()
    let second = search(
      session, prompt: [ids.startOfTranscript, ids.noTimestamps], after: text(prefix), rules: strict)
    let best = isBetter(second, than: first) ? second : first
    return isSilence(best) ? nil : best
  }

  private func begins(_ result: AttentionBeamSearch.Result?, with prefix: Hypothesis) -> Bool {
    guard let best = result?.hypotheses.first else { return false }
    return model.vocabulary.text(text(best).tokens).beginsWithWords(
      of: model.vocabulary.text(text(prefix).tokens))
  }

  /// Seconds of silence after the speech that are kept position by position.
  private static let margin = 1.0

  func encoded(_ samples: [Float]) -> AudioEncoder.States {
    let shape = model.configuration.encoder
    let stride = configuration.fullWindow ? 1 : shape.paddingStride ?? 1
    let positionSamples = 2 * model.configuration.features.hop
    let window = model.windowSamples / positionSamples
    let speech =
      (samples.count + Int(Self.margin / model.frameDuration) * positionSamples) / positionSamples + 1
    if stride > 1, speech < window {
      let features = model.features(samples, paddedTo: (speech + 2) * positionSamples)
      return model.encoder(features, speech: speech, window: window, stride: stride, context)
    }
    let features = model.features(samples, paddedTo: model.windowSamples)
    return .init(states: model.encoder(features, context), bias: nil)
  }

  private func carried(_ previous: [Int]) -> [Int] {
    guard configuration.carryText, !previous.isEmpty else { return [] }
    let room = model.decoder.capacity / 2 - 1
    return [model.special.startOfPrevious] + previous.suffix(room)
  }

  func search(
    _ session: DecoderSession, prompt: [Int], after prefix: Hypothesis, rules: TokenRules, beam: Int? = nil
  ) -> AttentionBeamSearch.Result {
    var beamSearch = AttentionBeamSearch(
      beam: beam ?? configuration.beam,
      mostTokens: min(Self.mostTokens, model.decoder.capacity - prompt.count))
    // Some differ in their timestamps alone.
    if configuration.nBest > 1, beam == nil { beamSearch.wanted = 3 * configuration.nBest }
    // After the first words it is too late to ask whether there is speech.
    let probe = prefix.tokens.isEmpty ? model.special.noSpeech : nil
    beamSearch.scorers = scorers
    return beamSearch.run(SpeechScorer(session), prompt: prompt, after: prefix, rules: rules, probe: probe)
  }

  /// Without timestamps.
  private func text(_ hypothesis: Hypothesis) -> Hypothesis {
    var text = Hypothesis()
    for (token, score) in zip(hypothesis.tokens, hypothesis.scores)
    where token < model.special.firstTimestamp {
      text = text.extended(by: token, score: score)
    }
    return text
  }

  private func isDoubtful(_ result: AttentionBeamSearch.Result) -> Bool {
    (result.hypotheses.first?.modelMean ?? -.infinity) < Self.doubtfulMean
  }

  private func isSilence(_ result: AttentionBeamSearch.Result) -> Bool {
    isDoubtful(result) && exponential(result.probed) > Self.noSpeechProbability
  }

  private func isBetter(
    _ second: AttentionBeamSearch.Result, than first: AttentionBeamSearch.Result
  ) -> Bool {
    guard let new = second.hypotheses.first else { return false }
    guard let old = first.hypotheses.first else { return true }
    if second.metLoop != first.metLoop { return first.metLoop }
    return new.modelMean > old.modelMean
  }

  /// Text tokens alone.
  func reading(_ hypothesis: Hypothesis) -> Reading {
    let first = model.special.firstTimestamp
    var reading = Reading(tokens: [], scores: [])
    reading.end = hypothesis.tokens.last(where: { $0 >= first }).map {
      Double($0 - first) * Self.timestampStep
    }
    for (token, score) in zip(hypothesis.tokens, hypothesis.scores) where token < first {
      reading.tokens.append(token)
      reading.scores.append(score)
    }
    return reading
  }

  /// Words with their times, from where the decoder looks as it reads its own text.
  private func words(_ reading: Reading, session: DecoderSession, frames: Int) -> [Word] {
    let ids = model.special
    let prompt = [ids.startOfTranscript, ids.noTimestamps]
    let fed = prompt + reading.tokens + [ids.endOfText]
    let observer = CrossAttentionObserver(model.decoder, tokens: fed.count, frames: frames)
    session.context.observer = context.observer
    let states = session.feed(prompt: fed, observe: observer).states
    if context.observer != nil { session.observeLogits(of: states) }
    session.context.observer = nil
    // The token that is written next is the one whose sound is looked at.
    let weights = Array(observer.weights.dropFirst(prompt.count - 1).prefix(reading.tokens.count + 1))
    let starts = CrossAttentionAlignment.starts(weights: weights, heads: observer.headCount, frames: frames)
    let seconds = { (frame: Int) in Double(frame) * model.frameDuration }
    return model.vocabulary.words(reading.tokens).map { word in
      let scores = reading.scores[word.tokens]
      return Word(
        text: word.text, start: seconds(starts[word.tokens.lowerBound]),
        end: seconds(starts[word.tokens.upperBound]),
        confidence: WordCalibration.attention(probability(mean: scores.reduce(0, +) / Float(scores.count))))
    }
  }
}
