// How much room text takes on a terminal.

extension String {
  func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(0, width - columns)) + self }

  func rightPadded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - columns)) }

  /// Columns on a terminal; wide scripts take two a character.
  var columns: Int { reduce(0) { $0 + $1.columns } }

  /// Without sequences of ECMA-48 that set colours and the like (`ESC [ … m`).
  var withoutStyle: String {
    var result = ""
    var isStyle = false
    for character in self {
      if character == "\u{1B}" { isStyle = true }
      if !isStyle { result.append(character) }
      if character == "m" { isStyle = false }
    }
    return result
  }

  /// Without line breaks and other control characters, which become spaces.
  var onOneLine: String { String(map { $0.isControl ? " " : $0 }) }

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
  var isControl: Bool { unicodeScalars.contains { $0.properties.generalCategory == .control } }

  /// Columns on a terminal: two for East Asian wide ranges and emoji, roughly, and none for marks that stand alone.
  var columns: Int {
    guard let scalar = unicodeScalars.first else { return 0 }
    // Asks for the picture of a character that has a narrow form too.
    if unicodeScalars.count > 1, unicodeScalars.contains("\u{FE0F}") { return 2 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: break
    }
    return switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
      0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      2
    default: 1
    }
  }
}
