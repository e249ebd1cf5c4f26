// The work of `sotto compare`: each variant in turn hears everything, in a process of its own.

import Foundation
import SottoCompare

/// Measures what the results do not hold yet.
final class ComparisonRun {
  /// A variant that is ready to be run.
  struct Runner {
    let variant: Variant
    let settings: WorkerSettings
    /// Tells its settings and its model apart.
    let key: String

    var entry: Scoring.Entry { .init(label: variant.label, key: key) }
    var wantsWave: Bool { settings.residentCommand != nil || settings.command?.contains("{wav}") ?? false }
  }

  let corpus: Corpus
  let conditions: [Condition]
  let results: ResultsFile
  private let audio: PreparedAudio
  private let showsProgress: Bool
  /// What failed, to be told at the end by the exit status.
  private(set) var failures = 0

  /// Processes that may end one after another before a variant is given up.
  private static let mostEnds = 3

  init(
    corpus: Corpus, conditions: [Condition], results: ResultsFile, audio: PreparedAudio, showsProgress: Bool
  ) {
    self.corpus = corpus
    self.conditions = conditions
    self.results = results
    self.audio = audio
    self.showsProgress = showsProgress
  }

  private struct Job {
    let index: Int
    let condition: Condition
    let source: String
  }

  private func jobs(_ runner: Runner) -> [Job] {
    conditions.flatMap { condition in
      corpus.utterances.indices.compactMap { index in
        let source = Fingerprint.of(corpus.utterances[index], condition: condition, seed: audio.seed)
        let isDone = results.has(variant: runner.key, condition: condition.label, source: source)
        return isDone ? nil : Job(index: index, condition: condition, source: source)
      }
    }
  }

  /// - Throws: `Failure` where a variant cannot be run at all, `ComparisonError` where the results cannot be kept.
  func run(_ runners: [Runner]) throws {
    let waiting = runners.map { ($0, jobs($0)) }.filter { !$0.1.isEmpty }
    // All of them once before anything is measured: mistakes show at once.
    for (runner, _) in waiting {
      do {
        try note(try WorkerProcess(runner.settings), of: runner)
      } catch let ended as WorkerProcess.Ended {
        throw Failure("\(runner.variant.label): \(ended.message)")
      }
    }
    let total = waiting.reduce(0) { sum, pair in
      sum + pair.1.reduce(0) { $0 + max(corpus.utterances[$1.index].duration, 0.1) }
    }
    var done = 0.0
    let began = ProcessFacts.now
    defer { Console.shared.clearProgress() }
    for (place, (runner, jobs)) in waiting.enumerated() {
      try run(runner, jobs) { job in
        done += max(self.corpus.utterances[job.index].duration, 0.1)
        guard self.showsProgress else { return }
        Console.shared.showProgress(
          ProgressLine.text(
            label: "[\(place + 1)/\(waiting.count)] \(runner.variant.label)", done: done, total: total,
            elapsed: ProcessFacts.now - began, width: Console.shared.width))
      }
    }
  }

  private func note(_ worker: WorkerProcess, of runner: Runner) throws {
    var process = worker.process
    process.variant = runner.variant.label
    process.key = runner.key
    // Of what is started for each recording this is the time of nothing.
    if runner.settings.command != nil, runner.settings.residentCommand == nil { process.load = nil }
    try results.append(process)
  }

  private func run(_ runner: Runner, _ jobs: [Job], onDone: (Job) -> Void) throws {
    var worker: WorkerProcess?
    var ends = 0
    for job in jobs {
      if worker == nil {
        do {
          let new = try WorkerProcess(runner.settings)
          try note(new, of: runner)
          worker = new
        } catch let ended as WorkerProcess.Ended {
          return report("\(runner.variant.label): \(ended.message)")
        }
      }
      var measurement: UtteranceMeasurement
      do {
        guard let worker else { return }
        measurement = try measure(job, runner, worker)
        ends = 0
      } catch let ended as WorkerProcess.Ended {
        measurement = UtteranceMeasurement(error: ended.message)
        worker = nil
        ends += 1
      }
      let utterance = corpus.utterances[job.index]
      measurement.variant = runner.variant.label
      measurement.key = runner.key
      measurement.condition = job.condition.label
      measurement.utterance = utterance.id
      measurement.source = job.source
      if let error = measurement.error {
        report("\(runner.variant.label): \(utterance.id): \(error)")
      }
      if ends >= Self.mostEnds {
        return report("\(runner.variant.label): given up, for its process ended \(ends) times in a row")
      }
      try results.append(measurement)
      onDone(job)
    }
  }

  private func measure(_ job: Job, _ runner: Runner, _ worker: WorkerProcess) throws -> UtteranceMeasurement {
    let item: PreparedAudio.Item
    let speech: [Range<Double>]
    do {
      item = try audio.item(job.index, job.condition, isWave: runner.wantsWave)
      speech = try audio.speech(job.index, job.condition)
    } catch {
      return UtteranceMeasurement(error: explanation(of: error))
    }
    var measurement = try withExtendedLifetime(item) {
      try worker.measure(WorkerTask(audio: item.path, speech: speech))
    }
    if measurement.duration == 0 { measurement.duration = item.duration }
    if !worker.isLive, !measurement.text.isEmpty {
      measurement.live = LiveMeasurement(
        recording: measurement.duration, computing: measurement.wall, speech: speech)
    }
    return measurement
  }

  private func report(_ message: String) {
    failures += 1
    Console.shared.report(message)
  }
}
