// The process that a variant runs in, seen from the comparison.

import Foundation
import SottoCompare

/// This program once more, as `sotto compare-worker`: time, memory and load are the variant's own there.
final class WorkerProcess {
  /// What it said when it was ready.
  let process: ProcessMeasurement
  let isLive: Bool
  /// A process that ended by itself, with its reason.
  struct Ended: Error { let message: String }

  private let identifier: pid_t
  private let input: FileHandle
  private let output: LineReader
  private var isOver = false

  /// Starts it, and waits until its model is loaded.
  ///
  /// - Throws: `Ended` with what it says where it cannot run, `Failure`.
  init(_ settings: WorkerSettings) throws {
    let began = ProcessFacts.now
    let (toIt, fromIt) = (try ChildProcess.openPipe(), try ChildProcess.openPipe())
    input = FileHandle(fileDescriptor: toIt.write, closeOnDealloc: true)
    output = LineReader(descriptor: fromIt.read)
    let started = Result {
      try ChildProcess.start(
        "/proc/self/exe", ["compare-worker"], descriptors: (toIt.read, fromIt.write, nil))
    }
    close(toIt.read)
    // Were its end of this pipe open here, too, nothing would tell that it ended.
    close(fromIt.write)
    identifier = try started.get()
    var process = ProcessMeasurement()
    var isLive = false
    do {
      try Self.send(settings, to: input)
      let reply = try Self.reply(from: output)
      if let failure = reply.failure { throw Ended(message: failure) }
      process = reply.process ?? process
      isLive = reply.isLive ?? false
    } catch {
      kill(identifier, SIGKILL)
      var status: Int32 = 0
      waitpid(identifier, &status, 0)
      throw error
    }
    process.load = ProcessFacts.now - began
    self.process = process
    self.isLive = isLive
  }

  deinit { end() }

  /// - Throws: `Ended` where the process does not live to tell.
  func measure(_ task: WorkerTask) throws -> UtteranceMeasurement {
    do {
      try Self.send(task, to: input)
      let reply = try Self.reply(from: output)
      if let failure = reply.failure { throw Ended(message: failure) }
      return reply.measurement ?? UtteranceMeasurement(error: "the process gave no result")
    } catch let ended as Ended {
      let reason = end()
      throw reason.map { Ended(message: "its process ended: \($0)") } ?? ended
    }
  }

  /// Ends it. How it had ended before, where it was not well.
  @discardableResult
  func end() -> String? {
    guard !isOver else { return nil }
    isOver = true
    try? input.close()
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
    return ChildProcess.failure(status)
  }

  private static func send(_ value: some Encodable, to handle: FileHandle) throws {
    let line = try JSONEncoder().encode(value) + Data("\n".utf8)
    do {
      try writeAll(String(decoding: line, as: UTF8.self), to: handle.fileDescriptor, name: "worker")
    } catch is OutputClosed {
      throw Ended(message: "its process ended")
    }
  }

  private static func reply(from output: LineReader) throws -> WorkerReply {
    guard let line = output.next() else { throw Ended(message: "its process ended") }
    guard let reply = try? JSONDecoder().decode(WorkerReply.self, from: line) else {
      throw Ended(message: "its process said something else than a result")
    }
    return reply
  }
}
