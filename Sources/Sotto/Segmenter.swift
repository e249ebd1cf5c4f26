// Long recordings into stretches of speech that a model takes at once.

import SottoFeatures

/// A stretch of a recording with speech in it.
public struct SpeechChunk: Sendable, Hashable {
  /// Where it starts in the recording, in samples.
  public var startSample: Int
  public var samples: [Float]

  public init(startSample: Int, samples: [Float]) {
    self.startSample = startSample
    self.samples = samples
  }

  /// The sample after its last one.
  public var endSample: Int { startSample + samples.count }
}

/// Cuts 16 kHz audio, as it arrives, into chunks of speech. Chunks never overlap; between them lies only what is not
/// speech. Short pauses stay inside, since long chunks decode better and faster; long ones are left out. Where
/// speech goes on beyond the longest chunk, it is cut in its best pause, or, without any, where it is quietest.
///
/// Keeps about `longestChunk` of samples and gives the same chunks however the audio arrives.
public struct Segmenter {
  public struct Options: Sendable, Hashable {
    /// Seconds that a chunk may last, at least 2.
    public var longestChunk = 30.0
    /// Seconds kept before and after speech, for soft onsets and endings that the detector misses.
    public var padding = 0.4
    /// Seconds without speech that end a chunk.
    public var longestPause = 2.5
    /// Seconds without speech that are a pause to cut in.
    public var shortestPause = 0.2

    public init() {}
  }

  /// The rate that audio must have.
  static let sampleRate = 16_000
  private static let frameLength = SpeechActivity.frameLength
  /// Speech that seems to begin or end this close to an end of the recording may reach to it: the background is known
  /// from one side alone there.
  private static let edge = sampleRate

  private let longestChunk: Int
  private let padding: Int
  private let longestPause: Int
  private let cuts: CutSearch
  private var activity: SpeechActivity

  /// Samples from `bufferStart` on that may still be in a chunk.
  private var buffer: [Float] = []
  private var bufferStart = 0
  /// Frames decided so far.
  private var frame = 0
  /// End of the last chunk, in samples.
  private var lastEnd = 0
  private var open: OpenChunk?

  /// - Throws: `FeatureError` where features cannot be computed.
  public init(_ options: Options = .init()) throws(FeatureError) {
    func samples(_ seconds: Double, atLeast least: Double) -> Int {
      Int(min(max(seconds.isNaN ? least : seconds, least), 3600) * Double(Self.sampleRate))
    }
    longestChunk = samples(options.longestChunk, atLeast: 2)
    padding = samples(options.padding, atLeast: 0)
    longestPause = max(samples(options.longestPause, atLeast: 0), 2 * padding)
    cuts = CutSearch(
      longestChunk: longestChunk / Self.frameLength,
      shortestPause: samples(options.shortestPause, atLeast: 0.05) / Self.frameLength)
    activity = try SpeechActivity()
  }

  /// The sample before which everything is decided: it was in a chunk, or is not speech.
  public var settledSample: Int { open?.start ?? frame * Self.frameLength }

  /// Takes the next samples; gives the chunks that they complete.
  public mutating func push(_ samples: [Float]) -> [SpeechChunk] {
    var chunks: [SpeechChunk] = []
    // A second at a time, so that a large piece takes no more memory than its chunks.
    for start in stride(from: 0, to: samples.count, by: Self.sampleRate) {
      let piece = Array(samples[start..<min(start + Self.sampleRate, samples.count)])
      buffer.append(contentsOf: piece)
      for decision in activity.push(piece) { take(decision, chunks: &chunks) }
      dropSamples()
    }
    return chunks
  }

  /// Ends the recording; gives the chunks left. The next sample starts another recording.
  public mutating func finish() -> [SpeechChunk] {
    var chunks: [SpeechChunk] = []
    for decision in activity.finish() { take(decision, chunks: &chunks) }
    let end = bufferStart + buffer.count
    if let last = open {
      let speechEnd = (last.lastSpeech + 1) * Self.frameLength
      let isCutOff = end - speechEnd <= max(Self.edge, padding)
      close(last, at: isCutOff ? end : speechEnd + padding, chunks: &chunks)
    }
    (buffer, bufferStart, frame, lastEnd, open) = ([], 0, 0, 0, nil)
    return chunks
  }

  private mutating func take(_ decision: SpeechActivity.Frame, chunks: inout [SpeechChunk]) {
    let position = frame * Self.frameLength
    defer { frame += 1 }
    if open == nil, decision.isSpeech {
      let start = position <= Self.edge ? 0 : position - padding
      open = OpenChunk(start: max(start, lastEnd), firstFrame: frame)
    }
    guard var chunk = open else { return }
    open = nil  // or the arrays in it would be copied
    chunk.append(decision, frame: frame)
    if decision.isSpeech {
      while position + Self.frameLength > chunk.start + longestChunk { cut(&chunk, chunks: &chunks) }
      open = chunk
    } else if position - (chunk.lastSpeech + 1) * Self.frameLength >= longestPause {
      close(chunk, at: (chunk.lastSpeech + 1) * Self.frameLength + padding, chunks: &chunks)
    } else {
      open = chunk
    }
  }

  /// Ends the first part of `chunk`, which is too long, and goes on with the rest.
  private mutating func cut(_ chunk: inout OpenChunk, chunks: inout [SpeechChunk]) {
    let place = cuts.place(in: chunk, before: (chunk.start + longestChunk) / Self.frameLength)
    let point = place.frame * Self.frameLength + Self.frameLength / 2
    let (end, next) =
      if let pause = place.pause {
        (
          min(pause.lowerBound * Self.frameLength + padding, point),
          max(pause.upperBound * Self.frameLength - padding, point)
        )
      } else {
        (point, point)
      }
    close(chunk, at: end, chunks: &chunks)
    chunk.removeFirst(before: place.pause?.upperBound ?? place.frame)
    chunk.start = next
  }

  private mutating func close(_ chunk: OpenChunk, at end: Int, chunks: inout [SpeechChunk]) {
    let end = min(end, chunk.start + longestChunk, bufferStart + buffer.count)
    let range = (chunk.start - bufferStart)..<max(end - bufferStart, chunk.start - bufferStart)
    lastEnd = end
    chunks.append(SpeechChunk(startSample: chunk.start, samples: Array(buffer[range])))
  }

  /// Forgets the samples that no chunk can need.
  private mutating func dropSamples() {
    let needed = open?.start ?? max(lastEnd, frame * Self.frameLength - max(Self.edge, padding))
    let surplus = min(needed - bufferStart, buffer.count)
    guard surplus > 0 else { return }
    buffer.removeFirst(surplus)
    bufferStart += surplus
  }
}
