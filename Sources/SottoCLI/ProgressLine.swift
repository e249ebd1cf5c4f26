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

extension String {
  func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(0, width - columns)) + self }

  func rightPadded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - columns)) }

  /// Columns on a terminal; wide scripts take two a character.
  var columns: Int { reduce(0) { $0 + $1.columns } }

  /// At most so many columns, with an ellipsis where something was cut. Control characters become question marks.
  func shortened(to width: Int) -> String {
    let clean = String(map { $0.isControl ? "?" : $0 })
    guard clean.columns > width else { return clean }
    var result = ""
    var used = 1
    for character in clean {
      used += character.columns
      if used > width { break }
      result.append(character)
    }
    return width > 0 ? result + "…" : ""
  }
}

extension Character {
  fileprivate var isControl: Bool { unicodeScalars.contains { $0.properties.generalCategory == .control } }

  /// East Asian wide ranges and emoji, roughly.
  fileprivate var columns: Int {
    guard let scalar = unicodeScalars.first else { return 0 }
    return switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
      0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      2
    default: 1
    }
  }
}
