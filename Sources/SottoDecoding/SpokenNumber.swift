// Digits brought to words, the way back from `NumberWords`.

enum SpokenNumber {
  /// Whether `text` is a number that is said as one: digits, with a decimal point or an ending ("3.5", "21st", "1480s").
  static func isNumber(_ text: String) -> Bool { parts(text) != nil }

  private static func parts(_ text: String) -> (whole: Substring, fraction: Substring?, ending: Substring)? {
    func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }
    let whole = text.prefix(while: isDigit)
    var rest = text.dropFirst(whole.count)
    var fraction: Substring?
    if rest.first == "." {
      fraction = rest.dropFirst().prefix(while: isDigit)
      rest = rest.dropFirst(1 + (fraction?.count ?? 0))
    }
    guard !whole.isEmpty, fraction?.isEmpty != true, ["", "st", "nd", "rd", "th", "s"].contains(rest) else {
      return nil
    }
    return (whole, fraction, rest)
  }

  /// The words of a number, one for each part; digits one by one where it is too long or begins with zeros.
  static func words(_ text: String) -> [String] {
    guard let (whole, fraction, ending) = parts(text) else { return [] }
    var words = whole.first == "0" && whole.count > 1 ? zeroLed(whole) : integer(whole)
    if let fraction { words += ["point"] + digits(fraction) }
    switch ending {
    case "": break
    case "s": pluralize(&words)
    default: makeOrdinal(&words)
    }
    return words
  }

  private static func integer(_ text: Substring) -> [String] {
    guard text.count <= 15, let value = Int(text) else { return digits(text) }
    // Four digits are nearly always a year, and what is none may be said as one: "fifteen hundred".
    return text.count == 4 && (1100..<2100).contains(value) ? year(value) : cardinal(value)
  }

  private static func digits(_ text: Substring) -> [String] {
    text.compactMap { $0.wholeNumberValue.map { NumberWords.units[$0 % 10] } }
  }

  /// "05" is said "oh five", as minutes and years are.
  private static func zeroLed(_ text: Substring) -> [String] {
    text.count == 2 && text.last != "0" ? ["oh"] + digits(text.suffix(1)) : digits(text)
  }

  static func cardinal(_ value: Int) -> [String] {
    if value < 1000 { return belowThousand(value) }
    var words: [String] = []
    var rest = value
    for (name, exponent) in NumberWords.scales.reversed() {
      let power = (0..<exponent).reduce(1) { value, _ in value * 10 }
      if rest >= power { words += belowThousand(rest / power) + [name] }
      rest %= power
    }
    if rest > 0 { words += (rest < 100 ? ["and"] : []) + belowThousand(rest) }
    return words
  }

  private static func belowThousand(_ value: Int) -> [String] {
    if value < 100 { return belowHundred(value) }
    let hundreds = [NumberWords.units[value / 100], "hundred"]
    return value % 100 == 0 ? hundreds : hundreds + ["and"] + belowHundred(value % 100)
  }

  private static func belowHundred(_ value: Int) -> [String] {
    if value < 20 { return [NumberWords.units[value]] }
    let tens = [NumberWords.tens[value / 10 - 2]]
    return value % 10 == 0 ? tens : tens + [NumberWords.units[value % 10]]
  }

  /// In two halves, but "two thousand and five".
  private static func year(_ value: Int) -> [String] {
    let (high, low) = (value / 100, value % 100)
    if high % 10 == 0 && low < 10 { return cardinal(value) }
    switch low {
    case 0: return belowHundred(high) + ["hundred"]
    case 1..<10: return belowHundred(high) + ["oh", NumberWords.units[low]]
    default: return belowHundred(high) + belowHundred(low)
    }
  }

  private static func makeOrdinal(_ words: inout [String]) {
    guard let last = words.last else { return }
    if let unit = NumberWords.units.firstIndex(of: last) {
      words[words.count - 1] = NumberWords.unitOrdinals[unit]
    } else {
      words[words.count - 1] = (last.hasSuffix("y") ? last.dropLast() + "ie" : last) + "th"
    }
  }

  private static func pluralize(_ words: inout [String]) {
    guard let last = words.last else { return }
    words[words.count - 1] =
      last.hasSuffix("y") ? last.dropLast() + "ies" : last + (last.hasSuffix("x") ? "es" : "s")
  }
}
