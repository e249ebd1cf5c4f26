// Programs that this one starts.

import Foundation

/// Starts a program with given standard streams; it gets no other descriptors.
enum ChildProcess {
  /// - Parameter descriptors: its standard input, output and error; nil is this program's own.
  /// - Throws: `Failure` that names the program.
  static func start(
    _ path: String, _ arguments: [String], descriptors: (input: Int32?, output: Int32?, errors: Int32?)
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (target, descriptor) in [
      (STDIN_FILENO, descriptors.input), (STDOUT_FILENO, descriptors.output),
      (STDERR_FILENO, descriptors.errors),
    ] {
      if let descriptor { posix_spawn_file_actions_adddup2(&actions, descriptor, target) }
    }
    // What this program ignores (a closed pipe) would be ignored by the other one, too.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGPIPE, SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
    let words = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    let code = posix_spawn(&process, path, &actions, &attributes, words, environ)
    guard code == 0 else { throw Failure("\(path): cannot be started (\(String(cString: strerror(code))))") }
    return process
  }

  /// How a process ended, in words; nil for success.
  static func failure(_ status: Int32) -> String? {
    let signal = status & 0x7F
    if signal != 0 { return "ended by signal \(signal)" }
    let code = (status >> 8) & 0xFF
    return code == 0 ? nil : "exit status \(code)"
  }

  /// Both ends of a new pipe, which no other program gets.
  static func openPipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
      throw Failure("no pipe (\(String(cString: strerror(errno))))")
    }
    return (ends[0], ends[1])
  }

  private static let mostText = 1 << 24

  /// What a program has written into a file.
  static func text(of descriptor: Int32) -> String {
    lseek(descriptor, 0, SEEK_SET)
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
    let data = (try? handle.read(upToCount: mostText)) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }

  /// An open file without a name.
  static func temporaryFile() throws -> Int32 {
    let folder = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    let path = "\(folder)/.sotto-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).tmp"
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw Failure("\(path): cannot be written (\(String(cString: strerror(errno))))")
    }
    unlink(path)
    return descriptor
  }
}
