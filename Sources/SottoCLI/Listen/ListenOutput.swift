// How `sotto listen` shows what it hears: text, with a live line where there is a terminal, or events.

import Foundation
import Sotto
import SottoAudio
import SottoFormats

enum ListenFormat: String, CaseIterable {
  case txt, jsonl
}

/// Takes the events of a session. Everything is written at once.
final class ListenOutput {
  private let format: ListenFormat
  private let output = StandardOutput()
  private let showsLine: Bool
  private var line = LiveLine()
  /// Whether the utterance under way has been announced.
  private var isInSpeech = false
  private var losses = 0
  private var nextLevel = 0.0
  private var nextLine = 0.0

  /// Seconds between events of the level, and between drawings of the line.
  private static let levelInterval = 0.5
  private static let lineInterval = 0.1

  init(format: ListenFormat, isQuiet: Bool) {
    self.format = format
    showsLine = format == .txt && !isQuiet && Console.shared.isTerminal
  }

  deinit { if showsLine { Console.shared.clearProgress() } }

  /// Whether the words of final results need times.
  var needsWords: Bool { format == .jsonl }

  func ready(time: Double, model: String, device: String, chunkMilliseconds: Int) throws {
    try emit(.ready(time: time, model: model, device: device, chunkMilliseconds: chunkMilliseconds))
    set(.listening)
  }

  func partial(_ partial: PartialResult) throws {
    if !isInSpeech, !partial.text.isEmpty {
      isInSpeech = true
      try emit(.speechStart(time: partial.start))
    }
    try emit(.partial(partial))
    (line.committed, line.volatile) = (partial.committed, partial.volatile)
    set(partial.text.isEmpty ? .listening : .speech)
  }

  func final(_ segment: Segment, rule: String?, time: Double) throws {
    if !isInSpeech { try emit(.speechStart(time: segment.start)) }
    try emit(.final(segment, rule: rule, time: time))
    endUtterance()
    // The old line is not to be seen again below the text.
    if showsLine { Console.shared.clearProgress() }
    // Nothing is left of an utterance that was scratched.
    if format == .txt, !segment.text.isEmpty { try output.write(segment.text + "\n") }
    draw()
  }

  /// The words of the utterance under way are forgotten.
  func endUtterance() {
    isInSpeech = false
    (line.committed, line.volatile) = ("", "")
    if line.state == .speech { line.state = .listening }
  }

  /// Has the level change at the pace at which it can be seen.
  func level(_ meter: inout LevelMeter, time: Double) throws {
    line.level = meter.level
    if time >= nextLevel {
      nextLevel = time + Self.levelInterval
      try emit(.level(time: time, level: meter.level, peak: meter.peak))
      meter.reset()
    }
    if time >= nextLine {
      nextLine = time + Self.lineInterval
      draw()
    }
  }

  func opened(device: String, format: CaptureFormat) throws {
    try emit(.device(time: 0, state: "opened", name: device, format: format.description, reason: nil))
    draw()
  }

  func happened(_ event: CaptureEvent, device: String) throws {
    switch event.kind {
    case .lost(let reason):
      try emit(.device(time: event.time, state: "lost", name: device, format: nil, reason: reason))
      report("\(device): is gone (\(reason)); it is opened again when it is back")
    case .reopened(let format):
      try emit(
        .device(time: event.time, state: "reopened", name: device, format: format.description, reason: nil))
      report("\(device): is back (\(format))")
      if event.missing > 0 { try lost(event, cause: "device", "while the device was gone") }
    case .overrun: try lost(event, cause: "overrun", "because sotto was held up")
    case .suspended: try lost(event, cause: "suspend", "because the machine slept")
    case .listenerTooSlow: try lost(event, cause: "load", "because recognition is too slow for this machine")
    }
  }

  private func lost(_ event: CaptureEvent, cause: String, _ reason: String) throws {
    losses += 1
    try emit(.overrun(time: event.time, missing: event.missing, cause: cause, count: losses))
    let seconds = String(format: "%.2f", event.missing)
    report("\(seconds) s of audio were lost at \(ProgressLine.clock(event.time)), \(reason)")
  }

  /// Where events are read by a program they tell it.
  private func report(_ message: String) {
    if format == .txt { Console.shared.report(message) }
  }

  func changed(_ state: ListenState, time: Double) throws {
    try emit(.state(time: time, state: state.rawValue))
    set(state)
  }

  func set(_ state: ListenState) {
    line.state = state
    draw()
  }

  private func draw() {
    if showsLine { Console.shared.showProgress(line.text(width: Console.shared.width)) }
  }

  private func emit(_ event: ListenEvent) throws {
    if format == .jsonl { try output.write(event.json + "\n") }
  }
}
