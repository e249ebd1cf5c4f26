// The work of `sotto transcribe`: each recording in turn, into one document or into one each.

import Foundation
import Sotto
import SottoAudio
import SottoFormats

/// Where transcripts go.
enum Destination: Hashable {
  case standardOutput
  case file(String)
  case folder(String)
}

struct Transcription {
  let recognizer: Recognizer
  let channel: ChannelChoice
  let format: TranscriptFormatName
  let options: FormatOptions
  let showsProgress: Bool
  let showsPartials: Bool
  private var failed = 0

  init(
    recognizer: Recognizer, channel: ChannelChoice, format: TranscriptFormatName, options: FormatOptions,
    showsProgress: Bool, showsPartials: Bool
  ) {
    self.recognizer = recognizer
    self.channel = channel
    self.format = format
    self.options = options
    self.showsProgress = showsProgress
    self.showsPartials = showsPartials
  }

  /// Whether everything went well; what did not is named on standard error.
  ///
  /// - Throws: `Failure` or `OutputClosed` where the output fails as a whole.
  mutating func run(_ recordings: Recordings, into destination: Destination) throws -> Bool {
    defer { Console.shared.clearProgress() }
    if case .folder(let folder) = destination {
      for failure in recordings.failures { report(failure.message) }
      try runEach(recordings, into: folder)
      return failed == 0
    }
    let document = try document(for: destination)
    for failure in recordings.failures {
      report(failure.message)
      try document.fail(failure.message, of: RecordingLabel(file: failure.argument))
    }
    for index in recordings.recordings.indices {
      let recording = recordings.recordings[index]
      do {
        try transcribe(recording, place: (index + 1, recordings.recordings.count), into: document)
      } catch let error as RecordingError {
        report(error.message)
        try document.fail(error.message, of: RecordingLabel(file: recording.input.argument))
      }
    }
    Console.shared.clearProgress()
    try document.finish()
    return failed == 0
  }

  private func document(for destination: Destination) throws -> Document {
    guard case .file(let path) = destination else {
      return Document(format, options: options, output: StandardOutput(), isStreaming: true)
    }
    return Document(format, options: options, output: try OutputFile(path), isStreaming: false)
  }

  /// A document for each recording; one that cannot be written fails alone.
  private mutating func runEach(_ recordings: Recordings, into folder: String) throws {
    var options = options
    options.hasSeveralRecordings = false
    let paths = recordings.outputPaths(extension: format.rawValue)
    for (index, recording) in recordings.recordings.enumerated() {
      let path = (folder as NSString).appendingPathComponent(paths[index])
      do {
        try Self.createFolder((path as NSString).deletingLastPathComponent)
        let document = Document(format, options: options, output: try OutputFile(path), isStreaming: false)
        try transcribe(recording, place: (index + 1, recordings.recordings.count), into: document)
        try document.finish()
      } catch let error as RecordingError {
        report(error.message)
      } catch let error as Failure {
        report(error.message)
      }
    }
  }

  private static func createFolder(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      let reason = AudioFolder.isDirectory(path) ? nil : error.localizedDescription
      if let reason { throw Failure("\(path): cannot be made a folder (\(reason))") }
    }
  }

  private mutating func report(_ message: String) {
    failed += 1
    Console.shared.report(message)
  }

  // MARK: One recording

  /// A recording could not be transcribed; the others can.
  private struct RecordingError: Error { let message: String }

  private mutating func transcribe(
    _ recording: Recording, place: (number: Int, count: Int), into document: Document
  ) throws {
    let input = recording.input
    let label = RecordingLabel(file: input.argument)
    let sources = try recordingErrors { try open(input) }
    let progress = showsProgress ? progressLine(input.name, place, sources) : nil
    let isMixedByTime = sources.count > 1 && !format.holdsObjects
    var finished: [(label: RecordingLabel, transcript: Transcript)] = []
    var done = 0.0
    if isMixedByTime { try document.begin(label) }
    for (channel, source) in sources {
      let label = RecordingLabel(file: input.argument, channel: channel)
      if !isMixedByTime { try document.begin(label) }
      var writeError: (any Error)?
      let transcript = try recordingErrors {
        try recognizer.transcribe(
          source,
          onSegment: { segment in
            guard !isMixedByTime, writeError == nil else { return }
            do { try document.segment(segment, of: label) } catch { writeError = error }
          },
          onPartial: showsPartials
            ? { partial in
              guard !isMixedByTime, writeError == nil else { return }
              do { try document.partial(partial, of: label) } catch { writeError = error }
            } : nil,
          onProgress: { progress?.update(done + $0) })
      }
      if let writeError { throw writeError }
      done += transcript.duration
      finished.append((label, transcript))
      if !isMixedByTime { try document.end(transcript, of: label, warning: source.warning) }
    }
    if isMixedByTime {
      try writeByTime(finished, of: label, into: document)
    }
    if let warning = sources.lazy.compactMap(\.source.warning).first { report("\(input.name): \(warning)") }
  }

  /// The channels' segments in the order in which they were spoken.
  private func writeByTime(
    _ channels: [(label: RecordingLabel, transcript: Transcript)], of label: RecordingLabel,
    into document: Document
  ) throws {
    let segments = channels.flatMap { channel in channel.transcript.segments.map { (channel.label, $0) } }
    // Sorting is stable: of segments that start together the left channel's goes first.
    let ordered = segments.sorted { $0.1.start < $1.1.start }
    for (label, segment) in ordered { try document.segment(segment, of: label) }
    guard var whole = channels.first?.transcript else { return }
    whole.segments = ordered.map(\.1)
    try document.end(whole, of: label, warning: nil)
  }

  private typealias ChannelSource = (channel: String?, source: any AudioSource)

  private func open(_ input: AudioInput) throws -> [ChannelSource] {
    switch channel {
    case .mix: return [(nil, try input.open(channels: .mix))]
    case .left: return [(nil, try input.open(channels: .left))]
    case .right: return [(nil, try input.open(channels: .right))]
    case .each:
      let sources = try input.openEach()
      let names = sources.count == 2 ? ["left", "right"] : sources.indices.map { "channel \($0 + 1)" }
      return sources.count == 1 ? sources.map { (nil, $0) } : Array(zip(names, sources))
    }
  }

  private func recordingErrors<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch { throw RecordingError(message: explanation(of: error)) }
  }

  private func progressLine(
    _ name: String, _ place: (number: Int, count: Int), _ sources: [ChannelSource]
  ) -> ProgressLine {
    let file = (name as NSString).lastPathComponent
    let durations = sources.compactMap(\.source.duration)
    return ProgressLine(
      label: place.count > 1 ? "[\(place.number)/\(place.count)] \(file)" : file,
      total: durations.count == sources.count ? durations.reduce(0, +) : nil)
  }
}
