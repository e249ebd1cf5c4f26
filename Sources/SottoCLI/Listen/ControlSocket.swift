// Commands to a session that is running: a line each way over a Unix socket that only its user can open.

import Foundation
import SottoAudio
import Synchronization

enum ControlRequest: String, CaseIterable, Sendable {
  case start, stop, toggle, finish, cancel, status
}

enum ControlSocket {
  /// `SOTTO_CONTROL`, or `sotto.socket` in the folder of the user's session.
  ///
  /// - Throws: `Failure` where there is no such folder.
  static func path(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> String {
    if let path = environment["SOTTO_CONTROL"], !path.isEmpty { return path }
    guard let folder = environment["XDG_RUNTIME_DIR"], !folder.isEmpty else {
      throw Failure("control: XDG_RUNTIME_DIR is not set; give SOTTO_CONTROL the path of the socket")
    }
    return folder + "/sotto.socket"
  }

  /// Calls `body` with the address of a path.
  fileprivate static func withAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) throws -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw Failure("\(path): is too long for a socket; set SOTTO_CONTROL to a shorter path")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  fileprivate static func make() -> Int32 {
    socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  }

  /// A socket connected to a session; nil where none listens there.
  fileprivate static func connected(_ path: String) throws -> Int32? {
    let descriptor = make()
    if try withAddress(path, { connect(descriptor, $0, $1) }) == 0 { return descriptor }
    close(descriptor)
    return nil
  }

  /// Asks the session, and waits for its answer.
  ///
  /// - Throws: `Failure` where no session listens.
  static func ask(_ request: ControlRequest, path: String) throws -> String {
    guard let descriptor = try connected(path) else {
      throw Failure("no session listens at \(path); start one with sotto listen --control")
    }
    defer { close(descriptor) }
    try writeAll(request.rawValue + "\n", to: descriptor, name: path)
    shutdown(descriptor, Int32(SHUT_WR))
    return read(descriptor)
  }

  /// Everything up to the end, or to 64 KiB.
  fileprivate static func read(_ descriptor: Int32, onlyLine: Bool = false) -> String {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while bytes.count < 1 << 16 {
      let count = Foundation.read(descriptor, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      bytes += piece[..<count]
      if onlyLine, bytes.contains(10) { break }
    }
    return String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
  }
}

/// The session's side: takes connections on a thread of its own, and has the session answer between two pieces of audio.
final class ControlServer: Sendable {
  private let path: String
  private let listener: Int32
  private let waiting = Mutex<[(ControlRequest, Int32)]>([])

  /// - Throws: `Failure` where another session listens there, or no socket can be made.
  init(path: String) throws {
    self.path = path
    if let other = try ControlSocket.connected(path) {
      Foundation.close(other)
      throw Failure("\(path): another session is controlled from there; end it first, or set SOTTO_CONTROL")
    }
    // What a session that was killed left behind.
    var status = stat()
    if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unlink(path) }
    listener = ControlSocket.make()
    let mask = umask(0o177)
    let isBound = try ControlSocket.withAddress(path) { [listener] in bind(listener, $0, $1) } == 0
    let code = errno
    umask(mask)
    guard isBound, listen(listener, 8) == 0 else {
      Foundation.close(listener)
      throw Failure("\(path): cannot be made a socket (\(String(cString: strerror(isBound ? errno : code))))")
    }
    Interruption.register(path)
    Thread { [self] in serve() }.start()
  }

  /// Removes the socket.
  func remove() {
    unlink(path)
    Interruption.forget(path)
  }

  private func serve() {
    while true {
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else {
        if errno == EINTR || errno == ECONNABORTED { continue }
        return
      }
      _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
      // Who connects and says nothing is not to keep others out.
      var patience = timeval(tv_sec: 1, tv_usec: 0)
      setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
      let word = ControlSocket.read(connection, onlyLine: true)
      if let request = ControlRequest(rawValue: word) {
        waiting.withLock { $0.append((request, connection)) }
      } else {
        reply(
          "unknown command; known are " + ControlRequest.allCases.map(\.rawValue).joined(separator: ", "),
          to: connection)
      }
    }
  }

  /// Answers the requests that wait.
  func handle(_ answer: (ControlRequest) throws -> String) throws {
    let requests = waiting.withLock { requests in
      defer { requests = [] }
      return requests
    }
    for (request, connection) in requests { reply(try answer(request), to: connection) }
  }

  private func reply(_ text: String, to connection: Int32) {
    // Who asked may have gone.
    try? writeAll(text + "\n", to: connection, name: "control")
    Foundation.close(connection)
  }
}
