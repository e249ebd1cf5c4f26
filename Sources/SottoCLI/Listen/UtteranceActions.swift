// What becomes of finished utterances besides being shown: a file, a command, the focused window.

import Foundation
import Sotto
import Synchronization

/// Does it in the order in which it was said, on a thread of its own, so that slow commands do not hold recognition up.
final class UtteranceActions: Sendable {
  /// What types text into the focused window.
  enum Typing: Sendable {
    /// A program with its arguments, that reads the text from standard input.
    case program([String])
    /// A line of the shell.
    case shell(String)
  }

  private let append: AppendedFile?
  private let command: String?
  private let typing: Typing?
  private let edits: SpokenEdits
  private let queue = DispatchQueue(label: "sotto.actions")
  private let isGood = Mutex(true)

  /// - Throws: `Failure` where the file cannot be written.
  init(append path: String?, command: String?, typing: Typing?, edits: SpokenEdits) throws {
    append = try path.map { try AppendedFile($0) }
    (self.command, self.typing, self.edits) = (command, typing, edits)
  }

  /// The segment as it is to be shown and used.
  func edited(_ segment: Segment) -> Segment {
    var segment = segment
    segment.text = edits.apply(to: segment.text)
    return segment
  }

  func perform(_ text: String) {
    guard !text.isEmpty, append != nil || command != nil || typing != nil else { return }
    queue.async { [self] in
      attempt { try append?.write(text + "\n") }
      if let command {
        attempt { try Self.run(["/bin/sh", "-c", command], input: text + "\n", name: "--exec") }
      }
      switch typing {
      case .program(let words)?:
        // For a character that no key has, xdotool changes the keyboard, which takes the windows a moment to learn.
        let isPlain = text.utf8.allSatisfy { $0 < 128 }
        let words = words.map { $0 == Self.pace ? (isPlain ? "4" : "30") : $0 }
        attempt { try Self.run(["/usr/bin/env"] + words, input: text + " ", name: words[0]) }
      case .shell(let line)?:
        attempt { try Self.run(["/bin/sh", "-c", line], input: text + " ", name: "--type-with") }
      case nil: break
      }
    }
  }

  /// Waits for all that is to be done; whether everything went well.
  func finish() -> Bool {
    queue.sync {}
    return isGood.withLock { $0 }
  }

  private func attempt(_ body: () throws -> Void) {
    do { try body() } catch {
      isGood.withLock { $0 = false }
      Console.shared.report(explanation(of: error))
    }
  }

  /// Runs a program with text on its standard input, to its end.
  private static func run(_ words: [String], input: String, name: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: words[0])
    process.arguments = Array(words.dropFirst())
    let pipe = Pipe()
    process.standardInput = pipe
    do { try process.run() } catch { throw Failure("\(name): cannot be run (\(error.localizedDescription))") }
    do {
      try writeAll(input, to: pipe.fileHandleForWriting.fileDescriptor, name: name)
    } catch is OutputClosed {
      // It need not read.
    }
    try? pipe.fileHandleForWriting.close()
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      let isSignal = process.terminationReason == .uncaughtSignal
      throw Failure(
        "\(name): \(isSignal ? "ended by signal" : "failed with status") \(process.terminationStatus)")
    }
  }

  /// The program that types on this desktop.
  ///
  /// - Throws: `Failure` that says what to install.
  static func typing(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> Typing {
    func has(_ program: String) -> Bool {
      (environment["PATH"] ?? "").split(separator: ":").contains {
        FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
      }
    }
    if !(environment["WAYLAND_DISPLAY"] ?? "").isEmpty {
      if has("wtype") { return .program(["wtype", "-"]) }
      if has("ydotool") { return .program(["ydotool", "type", "--file", "-"]) }
      throw Failure(
        "--type: on Wayland it needs wtype or ydotool; install one, or give --type-with a command")
    }
    guard !(environment["DISPLAY"] ?? "").isEmpty else {
      throw Failure("--type: there is no window to type into (neither WAYLAND_DISPLAY nor DISPLAY is set)")
    }
    guard has("xdotool") else {
      throw Failure("--type: on X11 it needs xdotool; install it, or give --type-with a command")
    }
    return .program(["xdotool", "type", "--clearmodifiers", "--delay", pace, "--file", "-"])
  }

  /// Stands for the milliseconds between two keys.
  private static let pace = "PACE"
}

/// A file that only grows.
private final class AppendedFile: Sendable {
  private let path: String
  private let descriptor: Int32

  /// - Throws: `Failure`.
  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw Failure("\(path): cannot be written (\(String(cString: strerror(errno))))") }
  }

  deinit { close(descriptor) }

  func write(_ text: String) throws { try writeAll(text, to: descriptor, name: path) }
}
