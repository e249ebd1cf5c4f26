// Number words brought to digits: "fourteen sixty-nine" and "one thousand four hundred and sixty-nine" are 1469.

enum NumberWords {
  /// Replaces every number that is spelled out, wholly or in part ("5 million"), by its digits.
  static func toDigits(_ tokens: [Token]) -> [Token] {
    var result: [Token] = []
    var index = 0
    while index < tokens.count {
      if let (text, next) = Parser(tokens: tokens).number(at: index) {
        result.append(Token(text: text, gap: tokens[index].gap))
        index = next
      } else {
        result.append(tokens[index])
        index += 1
      }
    }
    return result
  }

  /// The digits of the longest number that begins at a place, and the place after it.
  static func number(at index: Int, of tokens: [Token]) -> (text: String, next: Int)? {
    tokens.indices.contains(index) ? Parser(tokens: tokens).number(at: index) : nil
  }

  static let units = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
  ]
  static let unitOrdinals = [
    "zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
    "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
    "eighteenth", "nineteenth",
  ]
  static let tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
  static let scales = [("thousand", 3), ("million", 6), ("billion", 9), ("trillion", 12)]

  /// What a single word contributes.
  enum Part: Hashable {
    case unit(Int)
    case ten(Int)
    case hundred
    case scale(Int)
  }

  /// How a number ends.
  enum Ending: Hashable { case none, ordinal, plural }

  static let parts: [String: (part: Part, ending: Ending)] = {
    var parts: [String: (Part, Ending)] = [:]
    for (value, word) in units.enumerated() { parts[word] = (.unit(value), .none) }
    for (value, word) in unitOrdinals.enumerated() { parts[word] = (.unit(value), .ordinal) }
    for (index, word) in tens.enumerated() {
      let stem = word.dropLast()
      parts[word] = (.ten(20 + 10 * index), .none)
      parts[stem + "ieth"] = (.ten(20 + 10 * index), .ordinal)
      parts[stem + "ies"] = (.ten(20 + 10 * index), .plural)
    }
    parts["fourty"] = (.ten(40), .none)
    for (word, part) in [("hundred", Part.hundred)] + scales.map({ ($0, Part.scale($1)) }) {
      parts[word] = (part, .none)
      parts[word + "th"] = (part, .ordinal)
    }
    return parts
  }()

  /// "st", "nd", "rd" or "th" after the digits of `value`.
  static func ordinalSuffix(_ value: Int) -> String {
    if (11...13).contains(value % 100) { return "th" }
    return switch value % 10 {
    case 1: "st"
    case 2: "nd"
    case 3: "rd"
    default: "th"
    }
  }

  /// `digits`, with or without a decimal point, times ten to the power of `exponent`.
  static func shift(_ digits: String, by exponent: Int) -> String {
    let pieces = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let fraction = pieces.count > 1 ? String(pieces[1]) : ""
    let moved = fraction.prefix(exponent)
    let whole = pieces[0] + moved + String(repeating: "0", count: exponent - moved.count)
    let trimmed = whole.drop { $0 == "0" }
    let rest = fraction.dropFirst(exponent)
    return (trimmed.isEmpty ? "0" : String(trimmed)) + (rest.isEmpty ? "" : "." + rest)
  }
}

/// Reads the longest number at a place.
private struct Parser {
  let tokens: [Token]

  /// A number in the making.
  private struct Value {
    var value: Int
    var next: Int
    var ending = NumberWords.Ending.none
  }

  /// The digits of the number that starts at `index`, and the place after it.
  func number(at index: Int) -> (text: String, next: Int)? {
    if isDigits(tokens[index].text) { return scaledDigits(at: index) }
    guard let whole = cardinal(at: index) else { return nil }
    switch whole.ending {
    case .ordinal: return (String(whole.value) + NumberWords.ordinalSuffix(whole.value), whole.next)
    case .plural: return (String(whole.value) + "s", whole.next)
    case .none: return decimal(whole) ?? (String(whole.value), whole.next)
    }
  }

  // MARK: Words

  private func part(at index: Int, after gap: Bool = true) -> (
    part: NumberWords.Part, ending: NumberWords.Ending
  )? {
    guard index < tokens.count, !gap || tokens[index].gap == .space else { return nil }
    return NumberWords.parts[tokens[index].text]
  }

  private func isWord(_ word: String, at index: Int) -> Bool {
    index < tokens.count && tokens[index].gap == .space && tokens[index].text == word
  }

  /// Groups with falling scales: "two million three hundred thousand and five".
  private func cardinal(at index: Int) -> Value? {
    guard var number = group(at: index, isFirst: true) else { return nil }
    // "A million trillion" is left as two numbers: their product need not fit.
    guard number.ending == .none, number.value < 1_000_000, var exponent = scale(at: number.next, below: .max)
    else {
      return number
    }
    number.value *= power(exponent.value)
    number.next += 1
    number.ending = exponent.ending
    while number.ending == .none, let tail = tail(at: number.next, below: exponent.value) {
      if let next = scale(at: tail.next, below: exponent.value), tail.ending == .none {
        number.value += tail.value * power(next.value)
        number.next = tail.next + 1
        number.ending = next.ending
        exponent = next
      } else {
        number.value += tail.value
        number.next = tail.next
        number.ending = tail.ending
        break
      }
    }
    return number
  }

  /// What may follow "two thousand": a group, "and" with a number below 100, or after a comma a group from 100 on.
  private func tail(at index: Int, below exponent: Int) -> Value? {
    guard index < tokens.count else { return nil }
    if isWord("and", at: index) {
      guard let small = small(at: index + 1), small.ending != .plural else { return nil }
      let isAlone = !isMultiplier(at: small.next)
      return isAlone ? small : nil
    }
    guard tokens[index].gap != .stop, let group = group(at: index, isFirst: false), group.ending != .plural
    else {
      return nil
    }
    if tokens[index].gap == .comma, group.value < 100 { return nil }
    return group
  }

  private func isMultiplier(at index: Int) -> Bool {
    switch part(at: index)?.part {
    case .hundred, .scale: true
    default: false
    }
  }

  private func scale(at index: Int, below limit: Int) -> (value: Int, ending: NumberWords.Ending)? {
    guard let (part, ending) = part(at: index), case .scale(let exponent) = part, exponent < limit else {
      return nil
    }
    return (exponent, ending)
  }

  private func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { value, _ in value * 10 } }

  /// A number below 10,000 without a scale word: "seven", "four hundred and six", "eighteen hundred", and where a
  /// number starts also "a" before a multiplier, a lone multiplier, and years in pairs.
  private func group(at index: Int, isFirst: Bool) -> Value? {
    if isFirst, let lone = loneMultiplier(at: index) { return lone }
    guard let count = small(at: index, gap: false) else { return nil }
    guard count.ending == .none else { return count }
    if count.value >= 10, isWord("hundreds", at: count.next) {
      return Value(value: count.value * 100, next: count.next + 1, ending: .plural)
    }
    if count.value > 0, part(at: count.next)?.part == .hundred {
      return hundreds(count.value, at: count.next)
    }
    return isFirst ? pair(count) ?? count : count
  }

  /// "hundred" or "a thousand" without a count. The scale itself is left to the caller where "a" stands before it.
  private func loneMultiplier(at index: Int) -> Value? {
    if tokens[index].text == "a", let (part, ending) = part(at: index + 1), ending == .none {
      if part == .hundred { return hundreds(1, at: index + 1) }
      if case .scale = part { return Value(value: 1, next: index + 1) }
    }
    guard let (part, ending) = part(at: index, after: false) else { return nil }
    if part == .hundred { return hundreds(1, at: index) }
    if case .scale(let exponent) = part {
      return Value(value: power(exponent), next: index + 1, ending: ending)
    }
    return nil
  }

  /// `count` hundreds, the word being at `index`, with what follows it below 100.
  private func hundreds(_ count: Int, at index: Int) -> Value {
    let ending = NumberWords.parts[tokens[index].text]?.ending ?? .none
    let whole = Value(value: count * 100, next: index + 1, ending: ending)
    let rest = isWord("and", at: whole.next) ? whole.next + 1 : whole.next
    guard ending == .none, let rest = small(at: rest), rest.value > 0, rest.ending != .plural,
      part(at: rest.next)?.part != .hundred
    else { return whole }
    return Value(value: whole.value + rest.value, next: rest.next, ending: rest.ending)
  }

  /// Years and times said in two halves: "fourteen sixty-nine", "nineteen oh five", "nine thirty".
  private func pair(_ first: Value) -> Value? {
    guard (2...99).contains(first.value) else { return nil }
    if isWord("oh", at: first.next) || isWord("o", at: first.next), let second = small(at: first.next + 1),
      (1...9).contains(second.value), second.ending == .none
    {
      return Value(value: first.value * 100 + second.value, next: second.next)
    }
    guard first.value <= 20, let second = small(at: first.next), second.value >= 10,
      second.ending != .ordinal,
      !isMultiplier(at: second.next)
    else { return nil }
    return Value(value: first.value * 100 + second.value, next: second.next, ending: second.ending)
  }

  /// A number below 100.
  private func small(at index: Int, gap: Bool = true) -> Value? {
    guard let (part, ending) = part(at: index, after: gap) else { return nil }
    switch part {
    case .unit(let value): return Value(value: value, next: index + 1, ending: ending)
    case .ten(let value):
      guard ending == .none, let (next, nextEnding) = self.part(at: index + 1), case .unit(let unit) = next,
        (1...9).contains(unit)
      else { return Value(value: value, next: index + 1, ending: ending) }
      return Value(value: value + unit, next: index + 2, ending: nextEnding)
    case .hundred, .scale: return nil
    }
  }

  // MARK: Decimals and digits

  private func isDigits(_ text: String) -> Bool { text.allSatisfy { ("0"..."9").contains($0) || $0 == "." } }

  /// "point" after `whole` and digits, as words one by one or as a number; then a scale, if there is one.
  private func decimal(_ whole: Value) -> (text: String, next: Int)? {
    guard isWord("point", at: whole.next) else { return nil }
    var fraction = ""
    var next = whole.next + 1
    if next < tokens.count, tokens[next].gap == .space,
      tokens[next].text.allSatisfy({ ("0"..."9").contains($0) })
    {
      fraction = tokens[next].text
      next += 1
    } else {
      while let digit = digit(at: next) {
        fraction.append(String(digit))
        next += 1
      }
    }
    guard !fraction.isEmpty else { return nil }
    return scaled("\(whole.value).\(fraction)", at: next)
  }

  private func digit(at index: Int) -> Int? {
    if isWord("oh", at: index) { return 0 }
    guard let (part, ending) = part(at: index), ending == .none, case .unit(let value) = part, value < 10
    else {
      return nil
    }
    return value
  }

  /// Digits as written; only what changes is reported.
  private func scaledDigits(at index: Int) -> (text: String, next: Int)? {
    if isWord("hundred", at: index + 1) { return (NumberWords.shift(tokens[index].text, by: 2), index + 2) }
    let result = scaled(tokens[index].text, at: index + 1)
    return result.next == index + 1 ? nil : result
  }

  private func scaled(_ digits: String, at index: Int) -> (text: String, next: Int) {
    guard let (exponent, ending) = scale(at: index, below: .max), ending == .none else {
      return (digits, index)
    }
    return (NumberWords.shift(digits, by: exponent), index + 1)
  }
}
