// Live recognition with a model that hears whole pieces of speech.

import SottoDecoding
import SottoFeatures
import SottoKernels
import SottoModels

/// A stream through an attention model, which by itself knows no partial results. The utterance under way is decoded again and again as it
/// grows, and words that readings in a row agree on are committed (local agreement: Liu, Spanakis and Niehues, arXiv 2005.11185; Macháček,
/// Dabre and Bojar, arXiv 2307.14743). Committed words are the prompt of the next reading, so that each costs little more than its encoder.
/// Their case and punctuation may change until the utterance is final: how a sentence goes on decides them.
///
/// At a pause the utterance is decoded with the whole beam at once, before it is known to be over; the endpoint itself costs nothing then. The
/// events do not depend on the pieces in which the samples come, as long as `skipsPartials` is not set.
final class AgreementStream: SpeechStream {
  /// Milliseconds between readings of a growing utterance.
  static let defaultInterval = 1000
  private static let intervals = 200...10_000

  /// Of features, at which activity is looked at.
  private static let hop = 160
  /// Frames at the start of a stream in which hum cannot be told from speech.
  private static let settling = SpeechActivity.delay
  /// Samples that are heard before the first sound, and kept after the last: half a second, 0.4 s.
  private static let preroll = 8000
  private static let margin = 6400
  /// Samples of what seemed to be noise that are heard again: speech may just have begun in it.
  private static let secondLook = 24_000
  /// From this many seconds on a short pause ends an utterance: the decoder does best with pieces of up to 15 s.
  private static let longUtterance = 10.0
  /// Readings in a row that must say the same for it to be committed: 5 s of them. The start of a sentence is heard better when its end is known. On
  /// 100 recordings of LJ Speech (as wholes: 11.5 % WER) agreement of two gave 13.8 %, of five 12.1 %.
  private static let agreeing = 5
  /// Seconds by which a text must have been the same beyond those that silence must last, where the sound does not stop.
  private static let leastStaleness = 1.0

  let options: RecognitionStream.Options
  var skipsPartials = false

  private let decoder: ChunkDecoder
  private let endpointing: Endpointing.Configuration
  /// Frames between readings, and of the longest utterance.
  private let interval: Int
  private let longest: Int
  private var features: StreamingLogMel
  /// Knows at once when it is quiet, and takes noise for speech now and then.
  private var gate: ActivityGate
  /// Knows speech from noise, later.
  private var activity: SpeechActivity
  /// The last frame that it called speech.
  private var lastSpeech = -1
  private var decided = 0

  /// Samples from `bufferStart` on.
  private var buffer: [Float] = []
  private var bufferStart = 0
  private var frames = 0
  private var isFinished = false
  /// Before this sample everything is final.
  private var lastEnd = 0
  private var utterance: Growing?

  /// An utterance under way.
  private struct Growing {
    /// The sample at which it begins.
    var start: Int
    /// The last frame that may have been speech.
    var lastActive: Int
    var nextDraft: Int
    /// Whether it was looked at for words.
    var isRead = false
    /// What will not change: tokens from the start, timestamps among them.
    var committed = Hypothesis()
    var draft = Hypothesis()
    /// Text tokens of the last readings, the newest last.
    var readings: [[Int]] = []
    /// The frames of the last two readings, and the one from which on the text has been the same.
    var drafted: (previous: Int, last: Int)
    var unchangedSince: Int
    /// The reading with the whole beam, and what was the last active frame then.
    var conclusion: (lastActive: Int, segment: Segment?)?
    var shown = "\n"

    /// Whether any reading found words.
    var hasText: Bool { readings.last?.isEmpty == false }
  }

  /// - Throws: `ModelError.chunk` for an interval that makes no sense, `ModelError` where the language
  ///   model is for another model, `DecodingError.biasPhrase` for phrases that cannot be listened for.
  init(_ model: AttentionModel, options: RecognitionStream.Options = .init()) throws {
    let milliseconds = options.chunkMilliseconds ?? Self.defaultInterval
    guard Self.intervals.contains(milliseconds) else {
      throw RecognitionError.interval(
        model: model.configuration.name, milliseconds: milliseconds, allowed: Self.intervals)
    }
    self.options = options
    decoder = try ChunkDecoder(model, live: options)
    var endpointing = options.endpointing
    endpointing.longUtterance = min(endpointing.longUtterance ?? Self.longUtterance, Self.longUtterance)
    let longest = min(
      decoder.configuration.longestChunk, model.window, endpointing.longestUtterance ?? .infinity)
    self.endpointing = endpointing
    interval = milliseconds / 10
    self.longest = max(Int(longest * 100), 2 * interval)
    features = try StreamingLogMel(hop: Self.hop)
    gate = ActivityGate(bands: features.bands)
    activity = try SpeechActivity()
  }

  private var received: Int { bufferStart + buffer.count }
  /// The sample up to which frames were looked at. What came after it depends on how it came.
  private var heard: Int { min(frames * Self.hop, received) }

  // MARK: Audio

  func accept(_ samples: [Float], sampleRate: Int?) throws -> [RecognitionEvent] {
    guard !isFinished else { throw RecognitionError.finished }
    if let sampleRate, sampleRate != Segmenter.sampleRate {
      throw RecognitionError.sampleRate(got: sampleRate, needed: Segmenter.sampleRate)
    }
    var events: [RecognitionEvent] = []
    let sound = audible(samples)
    // A little at a time, so that a large piece takes no more memory than an utterance.
    for first in stride(from: 0, to: sound.count, by: 10 * Self.hop) {
      let piece = Array(sound[first..<min(first + 10 * Self.hop, sound.count)])
      buffer += piece
      count(activity.push(piece))
      take(features.push(piece), &events)
    }
    return events
  }

  func finishUtterance() throws -> [RecognitionEvent] {
    guard !isFinished else { throw RecognitionError.finished }
    var events: [RecognitionEvent] = []
    end(nil, at: received, &events)
    return events
  }

  func finish() throws -> [RecognitionEvent] {
    guard !isFinished else { return [] }
    var events: [RecognitionEvent] = []
    take(features.finish(), &events)
    end(nil, at: received, &events)
    isFinished = true
    return events
  }

  func reset() {
    _ = features.finish()
    gate = ActivityGate(bands: features.bands)
    _ = activity.finish()
    (buffer, bufferStart, frames, lastEnd) = ([], 0, 0, 0)
    (lastSpeech, decided) = (-1, 0)
    utterance = nil
    isFinished = false
  }

  private func take(_ new: Matrix, _ events: inout [RecognitionEvent]) {
    for row in 0..<new.rows {
      let isActive = gate.push(new.rows(row..<(row + 1)))
      frames += 1
      guard utterance != nil else {
        if isActive { begin(at: frames * Self.hop - Self.preroll) }
        continue
      }
      if isActive { utterance?.lastActive = frames }
      listen(&events)
    }
    drop(before: utterance?.start ?? heard - Self.preroll)
  }

  private func count(_ new: [SpeechActivity.Frame]) {
    if let last = new.lastIndex(where: \.isSpeech) { lastSpeech = decided + last }
    decided += new.count
  }

  /// Whether there is speech in what was heard since `sample`, as far as can be told now.
  private func isSpeech(since sample: Int) -> Bool {
    if lastSpeech * Self.hop >= sample { return true }
    var rest = activity
    let frames = rest.finish()
    return frames.suffix(max(0, decided + frames.count - sample / Self.hop)).contains(where: \.isSpeech)
  }

  private func begin(at sample: Int) {
    let start = max(sample, lastEnd, bufferStart)
    // One that goes on from another may have been heard for a while.
    let first = (start + Self.preroll) / Self.hop + interval
    utterance = Growing(
      start: start, lastActive: frames, nextDraft: min(max(frames, first), frames + interval),
      drafted: (frames, frames), unchangedSince: frames)
  }

  private func drop(before sample: Int) {
    let surplus = min(sample - Self.secondLook - bufferStart, buffer.count)
    // Not each time: what stays is moved.
    guard surplus > Self.preroll else { return }
    buffer.removeFirst(surplus)
    bufferStart += surplus
  }

  /// Samples of the utterance up to `end`.
  private func speech(_ start: Int, until end: Int) -> SpeechChunk {
    let range = (start - bufferStart)..<max(start, min(end, received)) - bufferStart
    return SpeechChunk(startSample: start, samples: Array(buffer[range.clamped(to: buffer.indices)]))
  }

  // MARK: Decisions

  /// Looks at the utterance after each frame.
  private func listen(_ events: inout [RecognitionEvent]) {
    guard var current = utterance else { return }
    let quiet = (frames - current.lastActive) * Self.hop
    if quiet >= Self.margin, current.conclusion?.lastActive != current.lastActive, frames >= Self.settling {
      let segment = conclude(current, until: current.lastActive * Self.hop + Self.margin)
      current.conclusion = (current.lastActive, segment)
      if options.partials, let segment { show(segment.text, &current, &events) }
    } else if quiet < Self.margin, frames >= max(current.nextDraft, Self.settling) {
      current.nextDraft = frames + interval
      if options.partials, !skipsPartials { draft(&current, &events) }
    }
    utterance = current
    let length = Double(frames * Self.hop - current.start) / Double(Segmenter.sampleRate)
    if let rule = rule(current, silence: Double(quiet) / Double(Segmenter.sampleRate), length: length) {
      end(rule, at: current.lastActive * Self.hop + Self.margin, &events)
    } else if let rule = rule(current, silence: staleness(of: current), length: length), current.hasText {
      // Nothing is lost of what may have been said since.
      let place = current.unchangedSince * Self.hop
      end(
        rule, at: quietest(from: max(place - Self.preroll, current.start), to: place + Self.preroll), &events)
      begin(at: lastEnd)
    } else if frames - current.start / Self.hop >= longest {
      cut(&events)
    }
  }

  private func rule(_ current: Growing, silence: Double, length: Double) -> Endpointing.Rule? {
    let conclusion = current.conclusion.flatMap { $0.lastActive == current.lastActive ? $0 : nil }
    // Where partial results are left out, nothing is known before the first pause; else nothing before the first reading.
    let isUnknown = conclusion == nil && (!options.partials || skipsPartials || !current.isRead)
    let hasSpeech = conclusion.map { $0.segment != nil } ?? (current.hasText || isUnknown)
    return endpointing.rule(hasSpeech: hasSpeech, silence: silence, length: length)
  }

  /// Seconds of sound in which readings found nothing new: noise goes on after speech.
  private func staleness(of current: Growing) -> Double {
    Double(current.drafted.last - current.unchangedSince) / 100 - Self.leastStaleness
  }

  private func end(_ rule: Endpointing.Rule?, at end: Int, _ events: inout [RecognitionEvent]) {
    guard let current = utterance else { return }
    utterance = nil
    lastEnd = min(end, received)
    let segment: Segment? =
      if rule == .silenceWithoutSpeech {
        nil
      } else if let conclusion = current.conclusion,
        conclusion.lastActive == current.lastActive
      {
        // It may have turned out to be noise.
        current.committed.tokens.isEmpty && !isSpeech(since: current.start) ? nil : conclusion.segment
      } else { conclude(current, until: end) }
    tell(segment, rule, current, &events)
    if rule == .silenceWithoutSpeech {
      lastEnd = max(current.start, heard - Self.secondLook)
      // Speech may have begun a moment ago.
      if frames - current.lastActive < Self.secondLook / Self.hop { begin(at: lastEnd) }
    }
  }

  /// Ends an utterance that does not pause, at the quietest place after all that was committed, and goes on.
  private func cut(_ events: inout [RecognitionEvent]) {
    guard let current = utterance else { return }
    let first = max(current.drafted.previous, frames - 3 * interval) * Self.hop
    let place = quietest(from: max(first, current.start), to: heard)
    tell(conclude(current, until: place), .longestUtterance, current, &events)
    lastEnd = place
    begin(at: place)
  }

  /// The middle of the quietest 100 ms.
  private func quietest(from first: Int, to end: Int) -> Int {
    let width = 10 * Self.hop
    var best = (place: end, energy: Float.infinity)
    for start in stride(from: first, to: end - width, by: Self.hop) {
      let energy = buffer[(start - bufferStart)..<(start - bufferStart + width)].reduce(0) { $0 + $1 * $1 }
      if energy < best.energy { best = (start + width / 2, energy) }
    }
    return best.place
  }

  // MARK: Readings

  private func text(_ tokens: some Sequence<Int>) -> String {
    let first = decoder.model.special.firstTimestamp
    return decoder.model.vocabulary.words(tokens.filter { $0 < first }).map(\.text).joined(separator: " ")
  }
  private func text(_ hypothesis: Hypothesis) -> String { text(hypothesis.tokens) }

  /// Reads what there is; commits what the readings before said, too.
  private func draft(_ current: inout Growing, _ events: inout [RecognitionEvent]) {
    let first = decoder.model.special.firstTimestamp
    current.isRead = true
    // A reading that is a loop or noise says nothing about what was read before.
    guard isSpeech(since: current.start),
      let draft = decoder.draft(speech(current.start, until: heard).samples, after: current.committed)
    else { return }
    let new = draft.tokens.filter { $0 < first }
    current.drafted = (current.drafted.last, frames)
    current.draft = draft
    if new != current.readings.last { current.unchangedSince = frames }
    current.readings = current.readings.suffix(Self.agreeing - 1) + [new]
    var agreed =
      current.readings.count < Self.agreeing
      ? 0 : current.readings.map { zip($0, new).prefix { $0 == $1 }.count }.min() ?? 0
    // Whole words, and never the last one, which may go on.
    let starts = Set(decoder.model.vocabulary.words(new).map(\.tokens.lowerBound))
    while agreed > 0, agreed == new.count || !starts.contains(agreed) { agreed -= 1 }
    if agreed > current.committed.tokens.count(where: { $0 < first }) {
      var count = 0
      let end = draft.tokens.firstIndex { token in
        defer { if token < first { count += 1 } }
        return count == agreed
      }
      current.committed = draft.cut(to: end ?? draft.tokens.count)
    }
    show(text(new), &current, &events)
  }

  /// The utterance's text, with the whole beam. The words that were committed stay, whatever is found.
  private func conclude(_ current: Growing, until end: Int) -> Segment? {
    let chunk = speech(current.start, until: end)
    let rate = Double(Segmenter.sampleRate)
    let committed = text(current.committed)
    if isSpeech(since: current.start) {
      let found = decoder.segments(chunk, rate: rate, previous: [], keeping: current.committed).segments
      let segment = Segment(joining: found)
      if committed.isEmpty || segment?.text.beginsWithWords(of: committed) == true { return segment }
    }
    guard !committed.isEmpty else { return nil }
    let scores = current.committed.scores
    return Segment(
      start: Double(current.start) / rate, end: Double(chunk.endSample) / rate, text: committed,
      confidence: probability(mean: scores.reduce(0, +) / Float(max(scores.count, 1))))
  }

  private func show(_ text: String, _ current: inout Growing, _ events: inout [RecognitionEvent]) {
    let committed = self.text(current.committed)
    guard committed + "\n" + text != current.shown else { return }
    current.shown = committed + "\n" + text
    // What the whole beam finds may write the committed words otherwise.
    let volatile =
      text.hasPrefix(committed)
      ? text.dropFirst(committed.count).drop(while: \.isWhitespace)
      : text.split(separator: " ").dropFirst(committed.split(separator: " ").count).joined(separator: " ")[
        ...]
    let rate = Double(Segmenter.sampleRate)
    events.append(
      .partial(
        PartialResult(
          committed: committed, volatile: String(volatile),
          start: Double(current.start) / rate, time: Double(heard) / rate)))
  }

  private func tell(
    _ segment: Segment?, _ rule: Endpointing.Rule?, _ current: Growing, _ events: inout [RecognitionEvent]
  ) {
    if let segment {
      events.append(.final(segment, rule))
    } else if current.shown != "\n" {
      // What was shown was nothing.
      let time = Double(heard) / Double(Segmenter.sampleRate)
      events.append(.partial(PartialResult(committed: "", volatile: "", start: time, time: time)))
    }
  }
}
