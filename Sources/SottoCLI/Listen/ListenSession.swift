// A session of `sotto listen`: from the microphone through the recogniser to what is shown and done.

import Foundation
import Sotto
import SottoAudio
import Synchronization

struct ListenSession {
  struct Settings {
    var device: String
    var model: ModelChoice
    var stream: RecognitionStream.Options
    var duration: Double?
    var isVerbose: Bool
    var startsPaused: Bool
    /// Where the audio is kept.
    var recordingPath: String?
  }

  private let settings: Settings
  private let output: ListenOutput
  private let actions: UtteranceActions
  private var saver: FLACWriter?
  private let control: ControlServer?

  private let capture: ALSACapture
  private let loading: ModelLoading
  private var stream: (any SpeechStream)?
  /// Audio from before the model was loaded.
  private var backlog: [[Float]] = []
  private var meter = LevelMeter()
  /// Samples that came.
  private var samples = 0
  private var isPaused: Bool
  private var isGood = true

  /// Whether the user wants an end.
  private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    func raise() { value.store(true, ordering: .releasing) }
    var isRaised: Bool { value.load(ordering: .acquiring) }
  }
  private let end = Flag()

  /// Begins to capture, and to load the model.
  ///
  /// - Throws: `DeviceFailure`, `Failure`.
  init(
    _ settings: Settings, output: ListenOutput, actions: UtteranceActions, control: ControlServer?
  ) throws {
    self.settings = settings
    (self.output, self.actions, self.control) = (output, actions, control)
    isPaused = settings.startsPaused
    do {
      capture = try ALSACapture(device: settings.device)
    } catch {
      throw DeviceFailure(error.description)
    }
    loading = ModelLoading(settings.model)
    do {
      saver = try settings.recordingPath.map { try FLACWriter(path: $0) }
    } catch {
      throw Failure(explanation(of: error))
    }
  }

  /// Seconds of the stream.
  private var time: Double { Double(samples) / Double(capture.sampleRate) }
  private var isOver: Bool { end.isRaised || settings.duration.map { time >= $0 } ?? false }

  /// Listens until the user ends it; whether nothing failed.
  mutating func run() throws -> Bool {
    let end = end
    Interruption.takeFirst { end.raise() }
    if settings.isVerbose {
      let (period, buffer) = (Int(capture.period * 1000), Int(capture.buffer * 1000))
      Console.shared.report(
        "\(capture.device): \(capture.format); period \(period) ms, buffer \(buffer) ms; "
          + (capture.format.rate == capture.sampleRate
            ? "not resampled" : "resampled to \(capture.sampleRate) Hz"))
    }
    try output.opened(device: capture.device, format: capture.format)
    while !isOver {
      try step(waiting: 0.1)
    }
    try finish()
    return isGood && actions.finish()
  }

  private mutating func step(waiting seconds: Double) throws {
    for item in try capture.read(waiting: seconds) {
      try take(item)
    }
    if stream == nil, let model = try loading.result() { try start(model) }
    try control?.handle { request in try answer(request) }
    try output.level(&meter, time: time)
  }

  // MARK: Audio

  private mutating func take(_ item: ALSACapture.Item) throws {
    switch item {
    case .samples(let samples): try take(samples)
    case .event(let event): try output.happened(event, device: capture.device)
    }
  }

  private mutating func take(_ new: [Float]) throws {
    var new = new
    if let duration = settings.duration {
      new = Array(new.prefix(max(0, Int(duration * Double(capture.sampleRate)) - samples)))
    }
    samples += new.count
    meter.push(new)
    // Paused, time goes on, and nothing is heard or kept.
    if isPaused { new = [Float](repeating: 0, count: new.count) }
    save(new)
    guard let stream else { return backlog.append(new) }
    // A whole second waiting, which is as much as comes at once: recognition has fallen behind.
    stream.skipsPartials = new.count >= capture.sampleRate
    try show(stream.accept(new))
  }

  private mutating func save(_ new: [Float]) {
    do {
      try saver?.write(new)
    } catch {
      Console.shared.report("\(error); the recording ends at \(ProgressLine.clock(time))")
      saver = nil
      isGood = false
    }
  }

  private mutating func start(_ model: LiveModel) throws {
    var options = settings.stream
    options.wordTimes = output.needsWords
    let stream = try model.stream(options)
    self.stream = stream
    let files = [settings.model.path, settings.model.secondPass].compactMap { $0 }
    let name = files.map { (($0 as NSString).lastPathComponent as NSString).deletingPathExtension }
      .joined(separator: "+")
    if settings.isVerbose {
      Console.shared.report("\(name): loaded, \(String(format: "%.2f", time)) s after the capture began")
    }
    try output.ready(
      time: time, model: name, device: capture.device,
      chunkMilliseconds: options.chunkMilliseconds ?? model.defaultChunkMilliseconds)
    if isPaused { output.set(.paused) }
    for samples in backlog { try show(stream.accept(samples)) }
    backlog = []
  }

  /// - Returns: the final text among the events.
  @discardableResult private func show(_ events: [RecognitionEvent]) throws -> String {
    var texts: [String] = []
    for event in events {
      switch event {
      case .partial(let partial): try output.partial(partial)
      case .final(let segment, let rule):
        let segment = actions.edited(segment)
        texts.append(segment.text)
        try output.final(segment, rule: rule?.rawValue, time: time)
        actions.perform(segment.text)
      }
    }
    return texts.joined(separator: " ")
  }

  // MARK: Ends

  /// What was said until now is recognised.
  private mutating func finish() throws {
    capture.stop()
    output.set(.thinking)
    while true {
      let items = try capture.read(waiting: 0)
      if items.isEmpty { break }
      for item in items { try take(item) }
    }
    do { try saver?.finish() } catch {
      Console.shared.report("\(error)")
      isGood = false
    }
    while stream == nil {
      if let model = try loading.result() { try start(model) } else { usleep(10_000) }
    }
    try show(stream?.finish() ?? [])
  }

  // MARK: Commands from elsewhere

  private mutating func answer(_ request: ControlRequest) throws -> String {
    switch request {
    case .start: try pause(false)
    case .stop: try pause(true)
    case .toggle: try pause(!isPaused)
    case .finish:
      output.set(.thinking)
      let text = try show(stream?.finishUtterance() ?? [])
      output.set(isPaused ? .paused : .listening)
      return text
    case .cancel:
      _ = try stream?.finishUtterance()
      output.endUtterance()
      output.set(isPaused ? .paused : .listening)
    case .status: break
    }
    return stream == nil ? "loading" : isPaused ? "paused" : "listening"
  }

  private mutating func pause(_ isPaused: Bool) throws {
    guard isPaused != self.isPaused else { return }
    self.isPaused = isPaused
    // What was said before is not to wait for what comes after.
    if isPaused { try show(stream?.finishUtterance() ?? []) }
    try output.changed(isPaused ? .paused : .listening, time: time)
  }
}

/// A model that is being loaded, on a thread of its own.
final class ModelLoading: Sendable {
  private let loaded = Mutex<Result<LiveModel, any Error>?>(nil)

  init(_ choice: ModelChoice) {
    Thread { [self] in
      let result = Result { try choice.liveModel() }
      loaded.withLock { $0 = result }
    }.start()
  }

  /// Nil where it takes longer.
  ///
  /// - Throws: `Failure`.
  func result() throws -> LiveModel? {
    do {
      return try loaded.withLock { $0 }?.get()
    } catch {
      throw Failure(explanation(of: error))
    }
  }
}
