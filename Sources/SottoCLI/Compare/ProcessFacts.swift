// What the system tells of processes: time of the processors, memory.

import Foundation

enum ProcessFacts {
  /// Seconds that all threads of this process have computed.
  static var processorTime: Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }

  /// The same of another process that still is; 0 of one that is not.
  static func processorTime(of process: pid_t) -> Double {
    var clock = clockid_t()
    return clock_getcpuclockid(process, &clock) == 0 ? seconds(clock) : 0
  }

  /// Seconds of a clock that only goes forward.
  static var now: Double { seconds(CLOCK_MONOTONIC) }

  private static func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Bytes of memory that a process has had at the highest. Not `ru_maxrss`, which counts what the parent had when it started the
  /// process.
  static func peakMemory(of process: pid_t? = nil) -> Int? {
    let path = "/proc/\(process.map(String.init) ?? "self")/status"
    guard let text = try? String(contentsOfFile: path, encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
    else { return nil }
    return kilobytes * 1024
  }

  static func children(of process: pid_t) -> [pid_t] {
    let text =
      (try? String(contentsOfFile: "/proc/\(process)/task/\(process)/children", encoding: .utf8)) ?? ""
    return text.split(separator: " ").compactMap { pid_t($0) }
  }

  /// The processor's name and the number of its cores.
  static var machine: String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") || $0.hasPrefix("Model") }
    let name = line.flatMap { $0.split(separator: ":", maxSplits: 1).last }?
      .trimmingCharacters(in: .whitespaces)
    let cores = ProcessInfo.processInfo.activeProcessorCount
    return "\(name ?? "unknown processor"), \(cores) \(cores == 1 ? "core" : "cores")"
  }
}
