// Text as it is spoken: what the models that write word pieces were trained on.

import Foundation

/// Words in lower case with inner apostrophes and nothing else; numbers, ordinals, years, amounts and signs in words, as
/// num2words has them: "1469" is "fourteen sixty nine", "1,469" is "one thousand four hundred and sixty nine".
///
/// Not the form in which word error rates are computed (`TextNormalizer`), which goes the other way.
public enum SpokenForm {
  /// The words of `text`; empty for text without letters and digits.
  public static func words(_ text: String) -> [String] {
    Tokenizer.tokens(of: prepared(text)).flatMap { token in
      runs(token.text).flatMap { run in
        guard let first = run.first, first.isNumber else { return [titles[run] ?? run] }
        return SpokenNumber.words(run)
      }
    }
  }

  private static let titles = ["mr": "mister", "mrs": "missus", "dr": "doctor"]

  /// What the tokenizer, made for another purpose, would read in its own way: initials stay apart ("U.S." is two
  /// words), hours and minutes are two numbers, and digits grouped by commas are no year.
  private static func prepared(_ text: String) -> String {
    let text = Array(text)
    func at(_ index: Int) -> Character { text.indices.contains(index) ? text[index] : " " }
    var result = ""
    var index = 0
    while index < text.count {
      let (character, before) = (text[index], at(index - 1))
      if character == ".", before.isLetter {
        result.append(" ")
      } else if character == ":", isDigit(before), isDigit(at(index + 1)) {
        result.append(" ")
        if at(index + 1) == "0", at(index + 2) == "0", !isDigit(at(index + 3)) { index += 2 }
      } else if isDigit(character), !before.isLetter, !"0123456789.,$£€".contains(before),
        let (value, end) = grouped(text, from: index)
      {
        result += SpokenNumber.cardinal(value).joined(separator: " ")
        index = end - 1
      } else {
        result.append(character)
      }
      index += 1
    }
    return result
  }

  private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }

  /// A whole number in groups of three, and the place after it.
  private static func grouped(_ text: [Character], from start: Int) -> (value: Int, end: Int)? {
    let end = text[start...].firstIndex { !isDigit($0) && $0 != "," } ?? text.count
    let groups = text[start..<end].split(separator: ",", omittingEmptySubsequences: false)
    // A comma after the number is the sentence's.
    let isOpen = groups.last?.isEmpty == true
    let whole = isOpen ? groups.dropLast() : groups[...]
    guard whole.count > 1, whole[0].count <= 3, whole.dropFirst().allSatisfy({ $0.count == 3 }),
      let value = Int(String(whole.joined())), value < 1_000_000_000_000_000
    else { return nil }
    let after = end < text.count ? text[end] : " "
    let isDecimal = after == "." && end + 1 < text.count && isDigit(text[end + 1])
    return after.isLetter || isDecimal ? nil : (value, isOpen ? end - 1 : end)
  }

  /// Letters and digits of a token apart: "mp3" is "mp" and "3"; "21st", "1480s" and "3.5" stay whole.
  private static func runs(_ token: String) -> [String] {
    if !token.contains(where: \.isNumber) || SpokenNumber.isNumber(token) { return [token] }
    var runs: [String] = []
    for character in token {
      if let last = runs.last?.last, last.isNumber == character.isNumber {
        runs[runs.count - 1].append(character)
      } else {
        runs.append(String(character))
      }
    }
    return runs
  }
}
