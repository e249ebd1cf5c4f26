// What every output format has in common: it turns transcripts into text, piece by piece.

import Sotto

/// The formats that transcripts are written in. The raw value is the file name extension.
public enum TranscriptFormatName: String, Sendable, Hashable, CaseIterable {
  case txt, srt, vtt, json, jsonl, tsv

  /// Whether one document can hold several recordings; subtitles belong to one.
  public var holdsSeveralRecordings: Bool { self != .srt && self != .vtt }

  /// Whether each channel is an object of its own, and a failed recording one that says why. The other formats
  /// mix the channels' segments by time, with marks, and leave out what failed.
  public var holdsObjects: Bool { self == .json || self == .jsonl }

  /// Whether what is known of an utterance under way can stand among the text.
  public var holdsPartials: Bool { self == .txt || self == .jsonl }

  /// A writer for one document.
  public func writer(_ options: FormatOptions = .init()) -> any TranscriptFormat {
    switch self {
    case .txt: PlainText(options)
    case .srt: SubRip()
    case .vtt: WebVTT()
    case .json: JSONDocument(options)
    case .jsonl: JSONLines()
    case .tsv: TabSeparated(options)
    }
  }
}

/// What a document will hold.
public struct FormatOptions: Sendable, Hashable {
  /// More than one recording may stand in the document.
  public var hasSeveralRecordings = false
  /// The channels of a recording are recognised apart.
  public var hasChannels = false
  /// Words are given with their times.
  public var hasWords = false

  public init(hasSeveralRecordings: Bool = false, hasChannels: Bool = false, hasWords: Bool = false) {
    self.hasSeveralRecordings = hasSeveralRecordings
    self.hasChannels = hasChannels
    self.hasWords = hasWords
  }
}

/// A recording, or one channel of it, as the document names it.
public struct RecordingLabel: Sendable, Hashable {
  /// The file as the user named it; `-` for standard input.
  public var file: String
  /// `left` or `right`, where channels are recognised apart.
  public var channel: String?

  public init(file: String, channel: String? = nil) {
    self.file = file
    self.channel = channel
  }
}

/// Writes one document. The calls come in this order: `start`, for each recording `begin`, any number of `segment`
/// and `partial`, and `end` or `fail`; at last `finish`. Each gives the text to append, so that a long recording streams.
///
/// Where channels are mixed in one text, `begin` and `end` name the recording and segments the channel.
public protocol TranscriptFormat {
  mutating func start() -> String
  mutating func begin(_ recording: RecordingLabel) -> String
  mutating func segment(_ segment: Segment, of recording: RecordingLabel) -> String
  mutating func partial(_ partial: PartialResult, of recording: RecordingLabel) -> String
  mutating func end(_ transcript: Transcript, of recording: RecordingLabel, warning: String?) -> String
  mutating func fail(_ message: String, of recording: RecordingLabel) -> String
  mutating func finish() -> String
}

extension TranscriptFormat {
  public mutating func start() -> String { "" }
  public mutating func begin(_ recording: RecordingLabel) -> String { "" }
  public mutating func segment(_ segment: Segment, of recording: RecordingLabel) -> String { "" }
  public mutating func partial(_ partial: PartialResult, of recording: RecordingLabel) -> String { "" }
  public mutating func end(_ transcript: Transcript, of recording: RecordingLabel, warning: String?) -> String
  { "" }
  public mutating func fail(_ message: String, of recording: RecordingLabel) -> String { "" }
  public mutating func finish() -> String { "" }
}

extension String {
  /// One line: line breaks, tabs and other control characters become spaces, runs of white space one.
  var singleLine: String {
    var clean = UnicodeScalarView()
    for scalar in unicodeScalars {
      let isGap = scalar.properties.generalCategory == .control || scalar.properties.isWhitespace
      clean.append(isGap ? " " : scalar)
    }
    return String(clean).split(separator: " ").joined(separator: " ")
  }
}

extension Segment {
  /// The text behind the mark of its channel.
  func text(markedFor recording: RecordingLabel) -> String {
    let line = text.singleLine
    guard let channel = recording.channel else { return line }
    return line.isEmpty ? "" : "[\(channel)] \(line)"
  }
}
