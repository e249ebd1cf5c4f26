// A model of ours, measured in this process.

import Foundation
import Sotto
import SottoAudio
import SottoCompare
import SottoDecoding

final class ModelWorker: Worker {
  let process: ProcessMeasurement
  let isLive: Bool

  private enum Hearing {
    /// Whole recordings.
    case recordings(Recognizer)
    /// As if live.
    case stream(any SpeechStream)
  }

  private let hearing: Hearing
  private let sampleRate: Int

  /// Seconds of audio that a listener gets at once.
  private static let piece = 0.1
  /// Seconds of silence after a recording in which a stream may end by itself; and without text under way.
  private static let longestSilence = 6.0
  private static let shortestSilence = 2.0
  /// Seconds behind the audio from which on partial results are left out.
  private static let longestLag = 0.9

  /// - Throws: `ModelError`, `RecognitionError`, `Failure` for options that are of no use with the model.
  init(_ choice: ModelChoice, options: VariantOptions) throws {
    let path = choice.path
    let summary = try ModelSummary(name: path, path: path)
    let second = try choice.secondPass.map { try ModelSummary(name: $0, path: $0) }
    process = ProcessMeasurement(
      size: summary.size + (second?.size ?? 0), bits: second == nil ? summary.bitsPerWeight : nil,
      family: second == nil ? summary.family : ModelChoice.twoPass)
    isLive = summary.isStreaming || options.live == true
    if isLive {
      let model = try choice.liveModel()
      hearing = .stream(try model.stream(Self.streamOptions(options)))
      sampleRate = model.sampleRate
    } else {
      let idle = [
        ("chunk", options.chunk != nil), ("endpoint", options.endpoint != nil),
        ("endpoint-rules", options.endpointRules != nil), ("pause", options.pause != nil),
      ].first { $0.1 }
      if let idle {
        throw Failure("it hears whole pieces of speech: \(idle.0) is of no use without live")
      }
      let recognizer = try Recognizer(modelPath: path, configuration: Self.configuration(options))
      hearing = .recordings(recognizer)
      sampleRate = recognizer.sampleRate
    }
  }

  private static func configuration(_ options: VariantOptions) throws -> RecognizerConfiguration {
    var configuration = RecognizerConfiguration()
    configuration.beam = options.beam ?? configuration.beam
    configuration.threads = options.threads ?? 0
    configuration.wordTimes = true
    configuration.fullWindow = options.fullWindow ?? false
    configuration.carryText = options.carryText ?? false
    configuration.bias = try bias(options)
    configuration.languageModel = try languageModel(options)
    return configuration
  }

  private static func streamOptions(_ options: VariantOptions) throws -> RecognitionStream.Options {
    var stream = RecognitionStream.Options()
    // What sotto transcribe and sotto listen take.
    stream.beam = options.beam ?? RecognizerConfiguration().beam
    stream.threads = options.threads ?? 0
    stream.chunkMilliseconds = options.chunk
    stream.endpointing = try endpointing(options)
    if let pause = options.pause { stream.endpointing.silenceAfterSpeech = pause }
    stream.wordTimes = true
    stream.bias = try bias(options)
    stream.languageModel = try languageModel(options)
    stream.secondPassLanguageModel = try options.secondPassLM.map { try LanguageModel(path: $0) }
    return stream
  }

  private static func languageModel(_ options: VariantOptions) throws -> LanguageModel? {
    guard let path = options.lm else { return nil }
    var model = try LanguageModel(path: path)
    model.weight = options.lmWeight.map { Float($0) }
    model.bonus = options.lmBonus.map { Float($0) }
    return model
  }

  /// - Throws: `ValidationError` for rules that are none.
  static func endpointing(_ options: VariantOptions) throws -> Endpointing.Configuration {
    try EndpointOptions.configuration(
      options.endpoint ?? .balanced, rules: (options.endpointRules ?? "").split(separator: "+"))
  }

  /// - Throws: `Failure` for phrases that cannot be used.
  static func bias(_ options: VariantOptions) throws -> BiasList? {
    try options.bias.map {
      BiasList(
        try BiasOptions.phrases($0), weight: options.biasWeight.map { Float($0) } ?? BiasList.defaultWeight)
    }
  }

  func measure(_ task: WorkerTask) throws -> UtteranceMeasurement {
    let source = try AudioInput(task.audio).open(rate: sampleRate)
    var measurement =
      switch hearing {
      case .recordings(let recognizer): try Self.measure(recognizer, source)
      case .stream(let stream): try measure(stream, source, speech: task.stretches)
      }
    if let warning = source.warning, measurement.duration == 0 { measurement.error = warning }
    return measurement
  }

  private static func measure(_ recognizer: Recognizer, _ source: any AudioSource) throws
    -> UtteranceMeasurement
  {
    let began = (wall: ProcessFacts.now, cpu: ProcessFacts.processorTime)
    let transcript = try recognizer.transcribe(source)
    var result = UtteranceMeasurement(text: transcript.text, duration: transcript.duration)
    result.wall = ProcessFacts.now - began.wall
    result.cpu = ProcessFacts.processorTime - began.cpu
    result.words = spoken(transcript.segments)
    return result
  }

  private func measure(
    _ stream: any SpeechStream, _ source: any AudioSource, speech: [Range<Double>]
  ) throws -> UtteranceMeasurement {
    stream.reset()
    let listening = SimulatedListening(speech: speech) { ProcessFacts.now }
    var segments: [Segment] = []
    var heard = 0
    var (wall, cpu) = (0.0, 0.0)

    func hear(_ work: () throws -> [RecognitionEvent]) throws {
      let available = Double(heard) / Double(sampleRate)
      // As sotto listen does.
      stream.skipsPartials = listening.lag(at: available) >= Self.longestLag
      try listening.take(until: available) {
        let began = (wall: ProcessFacts.now, cpu: ProcessFacts.processorTime)
        let events = try work()
        wall += ProcessFacts.now - began.wall
        cpu += ProcessFacts.processorTime - began.cpu
        for event in events {
          switch event {
          case .partial(let partial): listening.partial(partial.text)
          case .final(let segment, _):
            segments.append(segment)
            listening.final(segment.text, end: segment.end)
          }
        }
      }
    }

    let count = Int(Self.piece * Double(sampleRate))
    while true {
      // A source may give less than it is asked for.
      var samples: [Float] = []
      while samples.count < count {
        let more = try source.read(count: count - samples.count)
        if more.isEmpty { break }
        samples += more
      }
      if samples.isEmpty { break }
      heard += samples.count
      try hear { try stream.accept(samples) }
    }
    let duration = Double(heard) / Double(sampleRate)
    let silence = [Float](repeating: 0, count: count)
    while true {
      let quiet = Double(heard) / Double(sampleRate) - duration
      if quiet >= Self.longestSilence || quiet >= Self.shortestSilence && listening.isSettled { break }
      heard += count
      try hear { try stream.accept(silence) }
    }
    try hear { try stream.finish() }
    var result = UtteranceMeasurement(duration: duration, wall: wall, cpu: cpu, live: listening.result)
    result.text = segments.map(\.text).filter { !$0.isEmpty }.joined(separator: " ")
    result.words = Self.spoken(segments)
    return result
  }

  private static func spoken(_ segments: [Segment]) -> [SpokenWord] {
    segments.flatMap { $0.words ?? [] }.map { SpokenWord($0.text, $0.start, $0.end) }
  }
}
