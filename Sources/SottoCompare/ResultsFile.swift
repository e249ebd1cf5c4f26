// Results on disk: a line a measurement, so that a run can be stopped at any moment and goes on where it was.

import Foundation

/// JSON lines, appended as they are measured. Only where each line lies is kept in memory.
public final class ResultsFile {
  private struct Line: Codable {
    var measurement: UtteranceMeasurement?
    var process: ProcessMeasurement?
  }

  private struct Key: Hashable {
    let variant: String
    let condition: String
    let source: String
  }

  public let path: String
  /// Measurements that were there already.
  public private(set) var resumed = 0
  private let descriptor: Int32
  private var places: [Key: (offset: Int, length: Int)] = [:]
  /// What failed: it is known, and worth another try.
  private var failed: Set<Key> = []
  private var processes: [String: [ProcessMeasurement]] = [:]
  private var end = 0

  /// Opens a file, or creates it.
  ///
  /// - Throws: `ComparisonError.file`, also where another run is writing it, and where it holds something else.
  public init(path: String) throws(ComparisonError) {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw .file(path: path, reason: "cannot be written (\(String(cString: strerror(errno))))")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw .file(path: path, reason: "another run is writing it")
    }
    do {
      try readAll()
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  /// Keeps only what lies in the temporary folder, without a name.
  public static func temporary() throws(ComparisonError) -> ResultsFile {
    let folder = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    let path = "\(folder)/.sotto-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).jsonl"
    let file = try ResultsFile(path: path)
    unlink(path)
    return file
  }

  private func readAll() throws(ComparisonError) {
    var buffer: [UInt8] = []
    var start = 0
    var number = 0
    while true {
      let piece = read(at: start + buffer.count, count: 1 << 20)
      if piece.isEmpty { break }
      buffer += piece
      var used = 0
      while let newline = buffer[used...].firstIndex(of: UInt8(ascii: "\n")) {
        number += 1
        guard let line = try? JSONDecoder().decode(Line.self, from: Data(buffer[used..<newline])) else {
          throw .file(
            path: path,
            reason: "line \(number) is no result of sotto compare; name another file for the results")
        }
        note(line, offset: start + used, length: newline - used)
        used = newline + 1
      }
      buffer.removeFirst(used)
      start += used
    }
    resumed = places.count - failed.count
    end = start
    // What was being written when the run before was stopped.
    if !buffer.isEmpty {
      if number == 0, buffer.first != UInt8(ascii: "{") {
        throw .file(path: path, reason: "holds something else; name another file for the results")
      }
      _ = ftruncate(descriptor, off_t(end))
    }
  }

  private func note(_ line: Line, offset: Int, length: Int) {
    if let measurement = line.measurement {
      let key = Key(
        variant: measurement.key, condition: measurement.condition, source: measurement.source)
      places[key] = (offset, length)
      if measurement.error == nil { failed.remove(key) } else { failed.insert(key) }
    }
    if let process = line.process { processes[process.key, default: []].append(process) }
  }

  private func read(at offset: Int, count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      var got = pread(descriptor, buffer.baseAddress, count, off_t(offset))
      while got < 0, errno == EINTR { got = pread(descriptor, buffer.baseAddress, count, off_t(offset)) }
      initialized = max(got, 0)
    }
  }

  // MARK: Measurements

  /// Whether it was measured, and did not fail.
  public func has(variant: String, condition: String, source: String) -> Bool {
    let key = Key(variant: variant, condition: condition, source: source)
    return places[key] != nil && !failed.contains(key)
  }

  /// What was measured; nil where nothing was.
  public func measurement(variant: String, condition: String, source: String) -> UtteranceMeasurement? {
    guard let place = places[Key(variant: variant, condition: condition, source: source)] else { return nil }
    let bytes = read(at: place.offset, count: place.length)
    return try? JSONDecoder().decode(Line.self, from: Data(bytes)).measurement
  }

  /// Of all processes of a variant: the median of the load times.
  public func process(variant: String) -> ProcessMeasurement? {
    guard let all = processes[variant], var result = all.last else { return nil }
    let loads = all.compactMap(\.load).sorted()
    result.load = loads.isEmpty ? nil : loads[loads.count / 2]
    return result
  }

  /// - Throws: `ComparisonError.file` where the disk is full.
  public func append(_ measurement: UtteranceMeasurement) throws(ComparisonError) {
    try append(Line(measurement: measurement))
  }

  /// - Throws: `ComparisonError.file` where the disk is full.
  public func append(_ process: ProcessMeasurement) throws(ComparisonError) {
    try append(Line(process: process))
  }

  private func append(_ line: Line) throws(ComparisonError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(line) else {
      throw .file(path: path, reason: "a result has a value that is no number")
    }
    var bytes = [UInt8](data)
    bytes.append(UInt8(ascii: "\n"))
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        pwrite(descriptor, $0.baseAddress, $0.count, off_t(end + done))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        throw .file(path: path, reason: "cannot be written (\(String(cString: strerror(errno))))")
      }
      done += count
    }
    note(line, offset: end, length: bytes.count - 1)
    end += bytes.count
  }
}
