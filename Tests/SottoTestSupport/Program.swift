// Runs programs from outside, as a user does.

import Foundation

/// A program and what it left when it ended.
public struct Program {
  public enum Problem: Error {
    case notFound(String)
    case notStarted(String, code: Int32)
    case timeOut(String)
  }

  public struct Result: Sendable {
    /// Exit status; 128 and the signal's number where a signal ended it.
    public let status: Int32
    public let output: String
    public let errors: String
  }

  public let path: String

  public init(path: String) { self.path = path }

  /// A product of this package, which the build puts beside the test bundle.
  ///
  /// - Throws: `Problem.notFound`.
  public static func built(_ name: String) throws -> Program {
    let here = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    var folders = [URL(fileURLWithPath: here).deletingLastPathComponent()]
    folders += CommandLine.arguments.filter { $0.contains(".xctest") }
      .map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
    for folder in folders {
      let path = folder.appendingPathComponent(name).path
      if FileManager.default.isExecutableFile(atPath: path) { return Program(path: path) }
    }
    throw Problem.notFound(name)
  }

  /// Runs to the end.
  ///
  /// - Parameters:
  ///   - input: standard input; nil is an empty one.
  ///   - environment: added to the one of the tests.
  ///   - folder: where relative paths start.
  ///   - signal: is sent after `delay` seconds.
  ///   - timeLimit: in seconds; the program is killed then.
  public func run(
    _ arguments: [String], input: Data? = nil, environment: [String: String] = [:], folder: String? = nil,
    signal: (number: Int32, delay: Double)? = nil, timeLimit: Double = 60
  ) throws -> Result {
    let files = try TemporaryFolder()
    let input = try files.write("input", input ?? Data())
    let (output, errors) = (files("output"), files("errors"))
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT, 0o600)

    // Only a new process may change its folder, for the tests run in parallel.
    let start = folder.map { ["/usr/bin/env", "-C", $0, path] } ?? [path]
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    var process = pid_t()
    let code = Self.withCStrings(start + arguments) { arguments in
      Self.withCStrings(variables.map { "\($0)=\($1)" }) { variables in
        posix_spawn(&process, start[0], &actions, nil, arguments, variables)
      }
    }
    guard code == 0 else { throw Problem.notStarted(path, code: code) }
    let status = try Self.wait(for: process, signal: signal, timeLimit: timeLimit, name: path)
    return Result(status: status, output: try files.text("output"), errors: try files.text("errors"))
  }

  private static func wait(
    for process: pid_t, signal: (number: Int32, delay: Double)?, timeLimit: Double, name: String
  ) throws -> Int32 {
    let step = 0.005
    var elapsed = 0.0
    var signal = signal
    while true {
      var status: Int32 = 0
      if waitpid(process, &status, WNOHANG) == process {
        let number = status & 0x7F
        return number == 0 ? (status >> 8) & 0xFF : 128 + number
      }
      if let due = signal, elapsed >= due.delay {
        kill(process, due.number)
        signal = nil
      }
      if elapsed > timeLimit {
        kill(process, SIGKILL)
        waitpid(process, &status, 0)
        throw Problem.timeOut(name)
      }
      usleep(useconds_t(step * 1e6))
      elapsed += step
    }
  }

  /// Calls `body` with a list of C strings that ends in nil, as execve(2) wants it.
  private static func withCStrings<Value>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Value
  ) -> Value {
    let pointers = strings.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers + [nil])
  }
}
