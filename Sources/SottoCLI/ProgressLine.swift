// How far a recording has come, on one line of a terminal.

import Foundation

/// Redraws at most ten times a second.
final class ProgressLine {
  private static let interval = 0.1

  private let label: String
  private let total: Double?
  private let started: Double
  private var drawn = -Double.infinity

  /// - Parameters:
  ///   - label: name of the recording, with its number among several.
  ///   - total: seconds of audio, where they are known.
  init(label: String, total: Double?) {
    self.label = label
    self.total = total
    started = Self.now
    update(0)
  }

  private static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }

  /// - Parameter done: seconds of audio.
  func update(_ done: Double) {
    let now = Self.now
    guard now - drawn >= Self.interval else { return }
    drawn = now
    Console.shared.showProgress(
      Self.text(label: label, done: done, total: total, elapsed: now - started, width: Console.shared.width))
  }

  /// The line, no wider than `width` columns less one, so that the cursor does not wrap. What has no room goes: first
  /// the bar, then the label, then the rest from its end.
  static func text(label: String, done: Double, total: Double?, elapsed: Double, width: Int) -> String {
    let room = max(width - 1, 0)
    let done = done.isFinite ? max(done, 0) : 0
    let total = total.flatMap { $0.isFinite ? $0 : nil }
    let speed = elapsed > 0 ? done / elapsed : 0
    var facts: [String] = []
    var fraction: Double?
    if let total, total > 0 {
      let part = min(done / total, 1)
      fraction = part
      facts.append("\(Int(part * 100))%".leftPadded(to: 4))
      facts.append("\(clock(min(done, total)))/\(clock(total))")
    } else {
      facts.append(clock(done))
    }
    if speed > 0 {
      facts.append(String(format: speed < 10 ? "%.1f× real time" : "%.0f× real time", min(speed, 1e6)))
      if let total, total > done { facts.append(clock((total - done) / speed) + " left") }
    }
    while facts.count > 1, facts.joined(separator: "  ").columns > room { facts.removeLast() }
    var line = facts.joined(separator: "  ")
    let labelRoom = room - line.columns - 2
    if labelRoom >= 8 { line = label.shortened(to: min(labelRoom, 40)) + "  " + line }
    let barRoom = min(room - line.columns - 2, 30)
    if let fraction, barRoom >= 8 {
      let filled = Int(fraction * Double(barRoom))
      line += "  " + String(repeating: "█", count: filled) + String(repeating: "░", count: barRoom - filled)
    }
    return line.shortened(to: room)
  }

  /// `m:ss`, or `h:mm:ss` from an hour on.
  static func clock(_ seconds: Double) -> String {
    let whole = seconds.isFinite ? Int(min(max(seconds, 0), 3.6e6)) : 0
    let tail = String(format: "%02d", whole % 60)
    if whole < 3600 { return "\(whole / 60):\(tail)" }
    return "\(whole / 3600):" + String(format: "%02d", whole / 60 % 60) + ":\(tail)"
  }
}
