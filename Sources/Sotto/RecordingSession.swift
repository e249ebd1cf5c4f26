// One recording on its way through a model.

import SottoDecoding
import SottoKernels
import SottoModels

/// Takes a recording piece by piece and tells what is recognised, as soon as it is.
protocol RecordingSession: AnyObject {
  /// Seconds before which everything is decided.
  var settled: Double { get }
  func push(_ samples: [Float], _ onEvent: (RecognitionEvent) throws -> Void) throws
  func finish(_ onEvent: (RecognitionEvent) throws -> Void) throws
}

/// Chunks of speech, cut at pauses, each decoded as a whole by an attention model.
final class AttentionSession: RecordingSession {
  private let decoder: ChunkDecoder
  private let rate: Double
  private let carriesText: Bool
  private var segmenter: Segmenter
  private var previous: [Int] = []
  private(set) var settled = 0.0

  init(_ decoder: ChunkDecoder) throws {
    self.decoder = decoder
    rate = Double(decoder.model.configuration.features.sampleRate)
    carriesText = decoder.configuration.carryText
    var options = Segmenter.Options()
    options.longestChunk = min(decoder.configuration.longestChunk, decoder.model.window)
    segmenter = try Segmenter(options)
  }

  func push(_ samples: [Float], _ onEvent: (RecognitionEvent) throws -> Void) throws {
    for chunk in segmenter.push(samples) { try decode(chunk, onEvent) }
    settled = max(settled, Double(segmenter.settledSample) / rate)
  }

  func finish(_ onEvent: (RecognitionEvent) throws -> Void) throws {
    for chunk in segmenter.finish() { try decode(chunk, onEvent) }
  }

  private func decode(_ chunk: SpeechChunk, _ onEvent: (RecognitionEvent) throws -> Void) throws {
    let (segments, tokens) = decoder.segments(chunk, rate: rate, previous: previous)
    if carriesText { previous += tokens }
    for segment in segments { try onEvent(.final(segment, nil)) }
    settled = Double(chunk.endSample) / rate
  }
}

/// A recording heard as it would be live.
final class LiveSession: RecordingSession {
  private let stream: any SpeechStream
  private let rate: Double
  private var received = 0
  var settled: Double { Double(received) / rate }

  init(_ model: LiveModel, _ configuration: RecognizerConfiguration, partials: Bool) throws {
    var options = RecognitionStream.Options()
    options.chunkMilliseconds = configuration.chunkMilliseconds
    options.beam = configuration.beam
    options.endpointing = configuration.endpointing
    options.alternatives = configuration.nBest - 1
    options.wordTimes = configuration.wordTimes
    options.threads = configuration.threads
    options.languageModel = configuration.languageModel
    options.secondPassLanguageModel = configuration.secondPassLanguageModel
    options.bias = configuration.bias
    options.partials = partials
    stream = try model.stream(options)
    rate = Double(model.sampleRate)
  }

  func push(_ samples: [Float], _ onEvent: (RecognitionEvent) throws -> Void) throws {
    received += samples.count
    try stream.accept(samples).forEach(onEvent)
  }

  func finish(_ onEvent: (RecognitionEvent) throws -> Void) throws { try stream.finish().forEach(onEvent) }
}
