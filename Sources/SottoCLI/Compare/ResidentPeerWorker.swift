// Another program that stays and answers.

import Foundation
import SottoCompare

/// Starts a command of the shell once. It says a line when it is ready, gets the path of a recording a line, and answers each with
/// a line of text.
final class ResidentPeerWorker: Worker {
  let process = ProcessMeasurement(family: "peer")
  let isLive = false
  private let command: String
  private var running: Running?

  /// - Throws: `Failure` where it does not become ready.
  init(command: String) throws {
    self.command = command
    running = try Running(command)
  }

  func measure(_ task: WorkerTask) throws -> UtteranceMeasurement {
    guard !task.audio.contains("\n") else { throw Failure("a path with a line break cannot be told to it") }
    // What ended at the recording before is started again.
    let peer = try running ?? Running(command)
    running = peer
    let (began, computed) = (ProcessFacts.now, peer.processorTime)
    do {
      let text = try peer.answer(to: task.audio)
      var measurement = UtteranceMeasurement(wall: ProcessFacts.now - began)
      measurement.cpu = peer.processorTime - computed
      measurement.peakMemory = peer.peakMemory
      measurement.text = text
      return measurement
    } catch {
      running = nil
      throw error
    }
  }

  /// The program while it runs.
  private final class Running {
    private let identifier: pid_t
    private let input: Int32
    private let output: LineReader
    private let errors: Int32
    private var isOver = false
    /// Seconds until it has to be ready.
    private static let mostLoading: Int32 = 120

    init(_ command: String) throws {
      let (toIt, fromIt) = (try ChildProcess.openPipe(), try ChildProcess.openPipe())
      let errors = try ChildProcess.temporaryFile()
      self.errors = errors
      input = toIt.write
      output = LineReader(descriptor: fromIt.read)
      let started = Result {
        try ChildProcess.start("/bin/sh", ["-c", command], descriptors: (toIt.read, fromIt.write, errors))
      }
      close(toIt.read)
      // Were its end of this pipe open here, too, nothing would tell that it ended.
      close(fromIt.write)
      identifier = try started.get()
      guard output.waits(seconds: Self.mostLoading) else {
        throw Failure(
          "it is to say a line when it is ready, and has said nothing for \(Self.mostLoading) s")
      }
      guard output.next() != nil else { throw Failure("it is to say a line when it is ready, but \(end())") }
    }

    deinit {
      end()
      close(errors)
    }

    func answer(to path: String) throws -> String {
      do {
        try writeAll(path + "\n", to: input, name: "peer")
      } catch is OutputClosed {
        throw Failure(end())
      }
      guard let line = output.next() else { throw Failure(end()) }
      return String(decoding: line, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(
        separator: " ")
    }

    var processorTime: Double { family.reduce(0) { $0 + ProcessFacts.processorTime(of: $1) } }
    var peakMemory: Int? { family.compactMap { ProcessFacts.peakMemory(of: $0) }.max() }

    /// It, and those that it started.
    private var family: [pid_t] {
      var found = [identifier]
      var place = 0
      while place < found.count {
        found += ProcessFacts.children(of: found[place])
        place += 1
      }
      return found
    }

    /// Closes its standard input, at which it ends. How it ended, in words.
    @discardableResult
    private func end() -> String {
      guard !isOver else { return "it has ended" }
      isOver = true
      close(input)
      var status: Int32 = 0
      var rounds = 0
      while waitpid(identifier, &status, WNOHANG) == 0 {
        rounds += 1
        if rounds == 2000 { kill(identifier, SIGTERM) }
        if rounds == 4000 { kill(identifier, SIGKILL) }
        usleep(1000)
      }
      let last = ChildProcess.text(of: errors).split(separator: "\n").last.map { ": \($0)".onOneLine } ?? ""
      return (ChildProcess.failure(status) ?? "it ended") + last
    }
  }
}
