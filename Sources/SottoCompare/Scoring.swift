// From measurements to rows.

import SottoDecoding

/// Scores the measurements of a results file, one after another: none of them stays in memory but for its counts.
public struct Scoring {
  public let corpus: Corpus
  public let results: ResultsFile
  public let normalizer: TextNormalizer?
  /// Changes noises: part of what was heard.
  public let seed: UInt64
  /// Words that are listed as most often wrong.
  public var wrongWords = 20

  public init(corpus: Corpus, results: ResultsFile, normalizer: TextNormalizer?, seed: UInt64) {
    self.corpus = corpus
    self.results = results
    self.normalizer = normalizer
    self.seed = seed
  }

  /// What a variant's label and key were.
  public struct Entry: Sendable {
    public var label: String
    public var key: String

    public init(label: String, key: String) {
      self.label = label
      self.key = key
    }
  }

  public func measurement(_ entry: Entry, _ condition: Condition, of utterance: Utterance)
    -> UtteranceMeasurement?
  {
    results.measurement(
      variant: entry.key, condition: condition.label,
      source: Fingerprint.of(utterance, condition: condition, seed: seed))
  }

  /// Row by row: all variants under the first condition, then under the next.
  public func rows(_ variants: [Entry], _ conditions: [Condition]) -> [Comparison.Row] {
    conditions.flatMap { condition -> [Comparison.Row] in
      var first: [ErrorCounts] = []
      return variants.enumerated().map { index, entry in
        var (row, counts) = row(entry, condition, reference: index > 0 ? variants.first : nil)
        if index == 0 {
          first = counts
        } else if let pair = PairedBootstrap(first, counts) {
          row.werDifference = rounded(pair.difference)
          row.werDifferenceInterval = [rounded(pair.low), rounded(pair.high)]
          row.p = rounded(pair.p)
        }
        return row
      }
    }
  }

  private func row(
    _ entry: Entry, _ condition: Condition, reference: Entry?
  ) -> (Comparison.Row, [ErrorCounts]) {
    var row = Comparison.Row(variant: entry.label, condition: condition.label)
    var (words, characters): ([ErrorCounts], ErrorCounts) = ([], ErrorCounts())
    var tally = WordTally()
    var agreement = ErrorCounts()
    var (duration, wall, cpu) = (0.0, 0.0, 0.0)
    var (firsts, finals, live): ([Double], [Double], LiveMeasurement) = ([], [], LiveMeasurement())
    var isLive = false
    for utterance in corpus.utterances {
      guard let measurement = measurement(entry, condition, of: utterance) else { continue }
      row.utterances += 1
      if let peak = measurement.peakMemory { row.peakMemory = max(row.peakMemory ?? 0, peak) }
      if measurement.error != nil { row.failed += 1 }
      if measurement.error == nil {
        duration += measurement.duration
        wall += measurement.wall
        cpu += measurement.cpu
      }
      if let text = utterance.text {
        let score = WordErrorRate(reference: text, hypothesis: measurement.text, normalizer: normalizer)
        words.append(score.words)
        characters = characters + score.characters
        tally.add(score)
      }
      if let reference, let other = self.measurement(reference, condition, of: utterance) {
        let counts = WordErrorRate(
          reference: other.text, hypothesis: measurement.text, normalizer: normalizer
        ).words
        agreement = agreement + counts
      }
      if let heard = measurement.live {
        isLive = true
        firsts += heard.first
        finals += heard.final
        live.takenBack += heard.takenBack
        live.words += heard.words
      }
    }
    let total = words.reduce(ErrorCounts(), +)
    row.words = total.referenceLength
    if total.referenceLength > 0 {
      row.wer = rounded(total.rate)
      row.werInterval = BootstrapInterval(words).map { [rounded($0.low), rounded($0.high)] }
      row.cer = characters.referenceLength > 0 ? rounded(characters.rate) : nil
    }
    (row.substitutions, row.deletions, row.insertions) = (
      total.substitutions, total.deletions, total.insertions
    )
    let longer = max(agreement.referenceLength, agreement.hypothesisLength)
    if reference != nil, longer > 0 { row.agreement = rounded(Double(agreement.hits) / Double(longer)) }
    if duration > 0 {
      row.realTimeFactor = rounded(wall / duration)
      row.cpu = rounded(cpu / duration)
    }
    if isLive {
      row.firstText = Quantiles(firsts)
      row.finalText = Quantiles(finals)
      row.revisions = live.words > 0 ? rounded(Double(live.takenBack) / Double(live.words)) : nil
    }
    let process = results.process(variant: entry.key)
    row.load = process?.load.map(rounded)
    row.size = process?.size
    row.bits = process?.bits
    row.family = process?.family
    row.wrongWords = tally.worst(wrongWords)
    return (row, words)
  }

  private func rounded(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }
}
