// Splits text into lower-case words and numbers, the first step of the normaliser.

import Foundation

/// A word or number and what stood before and after it.
struct Token: Hashable {
  /// What separates a token from the one before.
  enum Gap: Hashable { case space, comma, stop }

  /// Lower case; a number keeps digits, one decimal point and an ordinal or plural ending only.
  var text: String
  var gap: Gap = .space
  /// A full stop follows at once, as in abbreviations.
  var dotted = false
}

enum Tokenizer {
  static func tokens(of text: String) -> [Token] {
    var scanner = Scanner(plain(text))
    scanner.run()
    return scanner.tokens
  }

  /// Lower case without diacritics, with one kind of apostrophe and without soft hyphens.
  private static func plain(_ text: String) -> [Character] {
    let folded = text.precomposedStringWithCompatibilityMapping
      .folding(options: [.diacriticInsensitive, .widthInsensitive], locale: nil).lowercased()
    return folded.compactMap { character in
      switch character {
      case "\u{2018}", "\u{2019}", "\u{02BC}", "`", "\u{00B4}": "'"
      case "\u{00AD}", "\u{200B}", "\u{FEFF}": nil
      default: character
      }
    }
  }

  private struct Scanner {
    let text: [Character]
    var tokens: [Token] = []
    private var position = 0
    private var gap = Token.Gap.space
    /// Names of the whole and the part of a currency whose sign came before a number.
    private var currency: (whole: String, part: String)?

    init(_ text: [Character]) { self.text = text }

    private func at(_ offset: Int) -> Character? {
      let index = position + offset
      return text.indices.contains(index) ? text[index] : nil
    }

    private static func isDigit(_ character: Character?) -> Bool {
      guard let character else { return false }
      return ("0"..."9").contains(character)
    }

    private static func isLetter(_ character: Character?) -> Bool { character?.isLetter ?? false }

    mutating func run() {
      while let character = at(0) {
        let isPoint = character == "." && Self.isDigit(at(1)) && !Self.isDigit(at(-1))
        if Self.isDigit(character) || isPoint {
          number()
        } else if Self.isLetter(character) || (character.isNumber && !Self.isDigit(character)) {
          word()
        } else {
          mark(character)
        }
      }
    }

    private mutating func append(_ word: String, gap: Token.Gap? = nil) {
      tokens.append(Token(text: word, gap: gap ?? self.gap))
      self.gap = .space
    }

    /// Letters and digits with inner apostrophes; "a.m." and "U. S." become one word.
    private mutating func word() {
      var letters = ""
      while let character = at(0) {
        if character.isLetter || character.isNumber {
          letters.append(character)
        } else if character == "'", Self.isLetter(at(1)), !letters.isEmpty {
          letters.append(character)
        } else {
          break
        }
        position += 1
      }
      let isDotted = at(0) == "."
      let isGlued = position >= 2 && text[position - 2] == "."
      if isDotted || isGlued, letters.count == 1, gap == .space, let last = tokens.last, last.dotted,
        isInitials(last)
      {
        tokens[tokens.count - 1].text += letters
      } else {
        append(letters)
        tokens[tokens.count - 1].dotted = isDotted
      }
      if isDotted, tokens[tokens.count - 1].text.count == 1 || letters.count == 1 {
        position += 1  // The full stop belongs to an initial; it ends no sentence.
      }
    }

    /// Whether a token grew from single letters with full stops.
    private func isInitials(_ token: Token) -> Bool {
      guard position >= 2 else { return false }
      // Behind the letter just read: an optional space, a full stop and another single letter.
      var index = position - 2
      if text[index] == " " { index -= 1 }
      guard index >= 1, text[index] == ".", text[index - 1].isLetter else { return false }
      return index == 1 || !(text[index - 2].isLetter || text[index - 2] == "'")
    }

    /// Digits with thousands commas, a decimal point, a time's colon and an ending (st, nd, rd, th, s).
    private mutating func number() {
      var digits = at(0) == "." ? "0" : ""
      var fraction = ""
      while Self.isDigit(at(0)) || isThousandsComma() {
        if let digit = at(0), digit != "," { digits.append(digit) }
        position += 1
      }
      if digits.count <= 2, let minutes = minutes() {
        if minutes != "00" { digits += minutes }
        position += 3
      } else if at(0) == ".", Self.isDigit(at(1)) {
        position += 1
        while Self.isDigit(at(0)), let digit = at(0) {
          fraction.append(digit)
          position += 1
        }
      }
      if let currency {
        money(digits, fraction, currency)
        self.currency = nil
      } else {
        append((fraction.isEmpty ? digits : digits + "." + fraction) + ending())
      }
    }

    /// The two digits after the colon of a time.
    private func minutes() -> String? {
      guard at(0) == ":", let tens = at(1), let units = at(2), Self.isDigit(tens), Self.isDigit(units),
        !Self.isDigit(at(3))
      else { return nil }
      return String([tens, units])
    }

    /// A comma between a digit and exactly three more.
    private func isThousandsComma() -> Bool {
      guard at(0) == ",", Self.isDigit(at(-1)) else { return false }
      return (1...3).allSatisfy { Self.isDigit(at($0)) } && !Self.isDigit(at(4))
    }

    /// The letters glued to a number that belong to it; "9am" and "5kg" become two tokens.
    private mutating func ending() -> String {
      for suffix in ["'s", "s", "st", "nd", "rd", "th"] {
        let length = suffix.count
        let matches = zip(0..., suffix).allSatisfy { at($0) == $1 }
        guard matches, !Self.isLetter(at(length)), !Self.isDigit(at(length)) else { continue }
        position += length
        return suffix.replacingOccurrences(of: "'", with: "")
      }
      return ""
    }

    /// The amount after a currency's sign, with the names that are spoken after it.
    private mutating func money(
      _ digits: String, _ fraction: String, _ currency: (whole: String, part: String)
    ) {
      let scales: Set = ["hundred", "thousand", "million", "billion", "trillion"]
      var scale = ""
      var ahead = at(0) == " " ? 1 : 0
      while ahead > 0, let letter = at(ahead), letter.isLetter {
        scale.append(letter)
        ahead += 1
      }
      if scales.contains(scale) {
        append(fraction.isEmpty ? digits : digits + "." + fraction)
        append(scale)
        append(currency.whole + "s")
        position += ahead
      } else {
        append(digits)
        append(digits == "1" ? currency.whole : currency.whole + "s")
        let cents = fraction.count == 1 ? fraction + "0" : fraction
        if let count = Int(cents.prefix(2)), count > 0 {
          append(String(count))
          append(currency.part == "penny" ? (count == 1 ? "penny" : "pence") : count == 1 ? "cent" : "cents")
        }
      }
    }

    private mutating func mark(_ character: Character) {
      position += 1
      switch character {
      case "$": currency = ("dollar", "cent")
      case "£": currency = ("pound", "penny")
      case "€": currency = ("euro", "cent")
      case "%": append("percent", gap: .space)
      case "&": append("and")
      case ",": gap = max(gap, .comma)
      case "-", "\u{2010}", "\u{2011}", "'", "_":
        // A hyphen joins; two of them, or one with spaces, are a dash.
        if character == "-", at(-2) == " " || at(-2) == "-" || at(-2) == nil { gap = .stop }
      case _ where character.isWhitespace: break
      default: gap = .stop
      }
      if !(character.isWhitespace || "$£€".contains(character)) { currency = nil }
    }

    private func max(_ left: Token.Gap, _ right: Token.Gap) -> Token.Gap {
      left == .stop || right == .stop ? .stop : left == .comma || right == .comma ? .comma : .space
    }
  }
}
