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
  private let output: FileHandle
  private var buffer = Data()
  private var isOver = false

  /// Starts it, and waits until its model is loaded.
  ///
  /// - Throws: `Ended` with what it says where it cannot run, `Failure`.
  init(_ settings: WorkerSettings) throws {
    let began = ProcessFacts.now
    var ends: [(read: Int32, write: Int32)] = []
    for _ in 0..<2 {
      var pair: [Int32] = [0, 0]
      guard pipe(&pair) == 0, pair.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
        throw Failure("no pipe (\(String(cString: strerror(errno))))")
      }
      ends.append((pair[0], pair[1]))
    }
    input = FileHandle(fileDescriptor: ends[0].write, closeOnDealloc: true)
    output = FileHandle(fileDescriptor: ends[1].read, closeOnDealloc: true)
    defer {
      close(ends[0].read)
      close(ends[1].write)
    }
    identifier = try ChildProcess.start(
      "/proc/self/exe", ["compare-worker"], descriptors: (ends[0].read, ends[1].write, nil))
    var process = ProcessMeasurement()
    var isLive = false
    do {
      try Self.send(settings, to: input)
      // Its end of this pipe is open here, too: were it to end now, nothing would tell.
      close(ends[1].write)
      ends[1].write = -1
      let reply = try Self.reply(from: output, &buffer)
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
      let reply = try Self.reply(from: output, &buffer)
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

  private static func reply(from handle: FileHandle, _ buffer: inout Data) throws -> WorkerReply {
    while true {
      if let newline = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let line = Data(buffer[buffer.startIndex..<newline])
        buffer = Data(buffer[buffer.index(after: newline)...])
        guard let reply = try? JSONDecoder().decode(WorkerReply.self, from: line) else {
          throw Ended(message: "its process said something else than a result")
        }
        return reply
      }
      // Not FileHandle's read, which waits for as much as it was asked for.
      let more = [UInt8](unsafeUninitializedCapacity: 1 << 16) { bytes, count in
        var got = read(handle.fileDescriptor, bytes.baseAddress, bytes.count)
        while got < 0, errno == EINTR { got = read(handle.fileDescriptor, bytes.baseAddress, bytes.count) }
        count = max(got, 0)
      }
      if more.isEmpty { throw Ended(message: "its process ended") }
      buffer += more
    }
  }
}
