// The one line of a terminal that shows what is being heard.

import Foundation
import Sotto
import SottoAudio

/// What listening is doing.
enum ListenState: String {
  case loading, listening, speech, thinking, paused
}

/// Level meter, state, and the utterance under way: committed words plain, those that may change dim.
struct LiveLine {
  var state = ListenState.loading
  /// Decibels of full scale.
  var level = LevelMeter.floor
  var committed = ""
  var volatile = ""

  private static let meterCells = 8
  private static let longestState = 9
  /// Fewer columns than this have no room for meter and state.
  private static let leastForFrame = 40
  private static let (dim, plain) = ("\u{1B}[2m", "\u{1B}[22m")

  /// The line for a terminal of so many columns, one less wide, so that the cursor does not wrap. Of text that is too long
  /// the end is shown.
  func text(width: Int) -> String {
    let room = max(width - 1, 0)
    guard width >= Self.leastForFrame else { return words(room: room) }
    let frame =
      Self.meter(level, cells: Self.meterCells) + " " + state.rawValue.rightPadded(to: Self.longestState)
    let words = words(room: room - frame.columns - 1)
    return words.isEmpty ? frame : frame + " " + words
  }

  private func words(room: Int) -> String {
    let parts = [(committed.onOneLine, false), (volatile.onOneLine, true)].filter { !$0.0.isEmpty }
    var characters: [(Character, isDim: Bool)] = []
    for (text, isDim) in parts {
      if !characters.isEmpty { characters.append((" ", isDim)) }
      characters += text.map { ($0, isDim) }
    }
    if characters.reduce(0, { $0 + $1.0.columns }) > room {
      var used = 1
      var start = characters.count
      while start > 0, used + characters[start - 1].0.columns <= room {
        start -= 1
        used += characters[start].0.columns
      }
      guard room > 0 else { return "" }
      let isDim = start < characters.count ? characters[start].isDim : true
      characters = [(Character("…"), isDim: isDim)] + Array(characters[start...])
    }
    var result = ""
    var isDim = false
    for character in characters {
      if character.isDim != isDim { result += character.isDim ? Self.dim : Self.plain }
      isDim = character.isDim
      result.append(character.0)
    }
    return isDim ? result + Self.plain : result
  }

  /// From -60 dB to full scale; eighths of a cell.
  static func meter(_ level: Double, cells: Int) -> String {
    let fraction = level.isFinite ? min(max((level + 60) / 60, 0), 1) : 0
    let eighths = Int((fraction * Double(cells * 8)).rounded())
    let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
    let bar = String(repeating: "█", count: eighths / 8) + partial
    return bar + String(repeating: "·", count: max(0, cells - bar.count))
  }
}
