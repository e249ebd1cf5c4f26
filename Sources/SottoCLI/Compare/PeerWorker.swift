// Another program that prints text.

import Foundation
import SottoCompare

/// Runs a command of the shell for each recording. What it takes to start counts each time: it is what its users wait for.
final class PeerWorker: Worker {
  let process = ProcessMeasurement(family: "peer")
  let isLive = false
  private let command: String

  /// Bytes that this process may have grown by until the other program took its place.
  private static let growth = 4 << 20
  /// Any shell has more: a program that was seen with less ended too soon to be seen.
  private static let leastSeen = 1 << 20

  init(command: String) { self.command = command }

  func measure(_ task: WorkerTask) throws -> UtteranceMeasurement {
    let line = command.replacing("{audio}", with: task.audio.quotedForShell)
      .replacing("{wav}", with: task.audio.quotedForShell)
    let output = try ChildProcess.temporaryFile()
    defer { close(output) }
    let errors = try ChildProcess.temporaryFile()
    defer { close(errors) }
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(nothing) }
    let floor = ProcessFacts.peakMemory() ?? 0
    let began = ProcessFacts.now
    let child = try ChildProcess.start("/bin/sh", ["-c", line], descriptors: (nothing, output, errors))
    let (status, usage, seen) = Self.wait(for: child)
    var measurement = UtteranceMeasurement(wall: ProcessFacts.now - began)
    measurement.cpu = [usage.ru_utime, usage.ru_stime].reduce(0) {
      $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6
    }
    // What the system keeps counts this process's memory, too, from before the other program took its place.
    let kept = usage.ru_maxrss * 1024
    measurement.peakMemory = kept > floor + Self.growth ? kept : seen > Self.leastSeen ? seen : nil
    if let reason = ChildProcess.failure(status) {
      let last = ChildProcess.text(of: errors).split(separator: "\n").last.map { ": \($0)".onOneLine } ?? ""
      measurement.error = reason + last
    } else {
      measurement.text = ChildProcess.text(of: output).split(whereSeparator: \.isWhitespace).joined(
        separator: " ")
    }
    return measurement
  }

  /// Waits for a program, and sees meanwhile how much memory it and those that it starts have taken.
  private static func wait(for child: pid_t) -> (status: Int32, usage: rusage, peak: Int) {
    var status: Int32 = 0
    var usage = rusage()
    var peak = 0
    var round = 0
    while true {
      let ended = wait4(child, &status, WNOHANG, &usage)
      if ended == child || (ended < 0 && errno != EINTR) { return (status, usage, peak) }
      if round.isMultiple(of: 8) {
        var waiting = [child]
        while let next = waiting.popLast() {
          // Before a program took its place, the child is this process once more.
          if (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(next)/exe"))
            != (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
          {
            peak = max(peak, ProcessFacts.peakMemory(of: next) ?? 0)
          }
          waiting += ProcessFacts.children(of: next)
        }
      }
      round += 1
      usleep(1000)
    }
  }
}
