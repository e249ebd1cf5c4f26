// `sotto compare-worker`: what `sotto compare` measures, in a process of its own.

import ArgumentParser
import Foundation
import SottoCompare

/// Hears what it is told to on standard input, and tells what it measured; JSON lines both ways (`WorkerMessages`).
struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "compare-worker", shouldDisplay: false)

  func run() throws {
    guard let first = readLine(), let settings: WorkerSettings = Self.decoded(first) else {
      throw UsageError("compare-worker is for sotto compare alone")
    }
    let worker: any Worker
    do {
      worker =
        if let command = settings.residentCommand {
          try ResidentPeerWorker(command: command)
        } else if let command = settings.command {
          PeerWorker(command: command)
        } else {
          try ModelWorker(
            ModelChoice(path: settings.model ?? "", secondPass: settings.secondPass),
            options: settings.options)
        }
    } catch {
      return try Self.reply(WorkerReply(failure: explanation(of: error)))
    }
    try Self.reply(WorkerReply(process: worker.process, isLive: worker.isLive))
    while let line = readLine() {
      guard let task: WorkerTask = Self.decoded(line) else { continue }
      var measurement: UtteranceMeasurement
      do {
        measurement = try worker.measure(task)
      } catch {
        measurement = UtteranceMeasurement(error: explanation(of: error))
      }
      if settings.command == nil { measurement.peakMemory = ProcessFacts.peakMemory() }
      try Self.reply(WorkerReply(measurement: measurement))
    }
  }

  private static func decoded<Value: Decodable>(_ line: String) -> Value? {
    try? JSONDecoder().decode(Value.self, from: Data(line.utf8))
  }

  private static func reply(_ reply: WorkerReply) throws {
    let line = String(decoding: try JSONEncoder().encode(reply), as: UTF8.self) + "\n"
    try writeAll(line, to: STDOUT_FILENO, name: "standard output")
  }
}

/// What hears in a worker.
protocol Worker: AnyObject {
  /// What is known before anything was heard.
  var process: ProcessMeasurement { get }
  var isLive: Bool { get }
  func measure(_ task: WorkerTask) throws -> UtteranceMeasurement
}
