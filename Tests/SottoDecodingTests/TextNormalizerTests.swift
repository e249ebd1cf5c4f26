// The normaliser makes ways of writing equal, and only those.

import Testing

@testable import SottoDecoding

@Suite struct TextNormalizerTests {
  let normalize = TextNormalizer()

  @Test(arguments: [
    ("", ""), (" … -- !? ", ""), ("Now, as all books", "now as all books"),
    ("It’s the debtors' side; 'quoted'", "it's the debtors side quoted"),
    ("picture-books — and \"Café\"", "picture books and cafe"),
    ("Um, yes. Uh-huh, hmm", "yes huh"), ("Mr. Bennet and Dr Who", "mister bennet and doctor who"),
    ("The Hon. H. G. Bennet, H.G. Wells", "the honorable hg bennet hg wells"),
    ("nine a.m., 9 AM, 9am", "9 am 9 am 9 am"), ("e.g. the U.S. Senate", "eg the us senate"),
    ("Salt & pepper", "salt and pepper"), ("you can not, per cent", "you cannot percent"),
  ])
  func words(text: String, expected: String) {
    #expect(normalize(text) == expected)
  }

  /// Each row is one thing, written in several ways.
  @Test(arguments: [
    [
      "1469", "1,469", "fourteen sixty-nine", "one thousand four hundred sixty-nine",
      "fourteen hundred and sixty nine",
    ],
    ["fourteen sixty-nine, fourteen seventy;", "1469, 1470"],
    ["the 1480s", "the fourteen eighties", "the 1480's"],
    ["1900s", "nineteen hundreds"],
    ["1905", "nineteen oh five", "nineteen hundred and five"],
    ["2019", "twenty nineteen", "two thousand nineteen", "two thousand and nineteen"],
    ["6,439 persons", "six thousand, four hundred thirty-nine persons"],
    ["476", "four hundred and seventy-six", "four hundred seventy six"],
    ["21st", "twenty-first", "Twenty first"],
    ["the 16th century, 1st", "the sixteenth century, first"],
    ["112th", "one hundred and twelfth"], ["1,000th", "one thousandth"],
    ["3.5", "three point five"], ["3.14", "three point one four"],
    ["3.5 million", "three point five million", "3,500,000", "three million five hundred thousand"],
    ["$5", "five dollars", "5 dollars"], ["$1", "one dollar"],
    ["$5.50", "five dollars and fifty cents"], ["£3 million", "three million pounds"],
    ["50%", "fifty per cent", "50 percent"],
    ["200", "two hundred", "2 hundred"], ["100 men", "a hundred men"],
    ["2 million", "two million", "2,000,000"],
    ["9:30", "nine thirty"], ["10:05", "ten oh five"], ["9:00 a.m.", "nine am"],
    ["36 feet by 15", "thirty-six feet by fifteen"],
    ["2. The female side. 3. The yard.", "two. The female side. three. The yard."],
    ["1,234,567", "one million two hundred thirty-four thousand five hundred and sixty-seven"],
  ])
  func numbers(writings: [String]) {
    for writing in writings { #expect(normalize(writing) == normalize(writings[0]), "\(writing)") }
  }

  @Test(arguments: [
    ("twenty, thirty", "20 30"), ("two thousand, four men", "2000 4 men"), ("one two three", "1 2 3"),
    ("one hundred and two hundred", "100 and 200"), ("nineteen. Twelve", "19 12"),
    ("no one ten", "no 1 10"), ("the seconds", "the seconds"), ("point taken", "point taken"),
    ("1469 1470", "1469 1470"),
    ("99999999999999999999999999 trillion", "99999999999999999999999999000000000000"),
    ("trillion trillion million", "1000000000000 1000000000000 1000000"), ("00 hundred", "0"),
    ("1.2.3", "1.2 3"),
  ])
  func apart(text: String, expected: String) {
    #expect(normalize(text) == expected)
  }

  @Test(arguments: [
    ("colour favourite honourable neighbours", "color favorite honorable neighbors"),
    ("organise organisation realised analysing", "organize organization realized analyzing"),
    (
      "promise rise exercise advertise surprised wise premises",
      "promise rise exercise advertise surprised wise premises"
    ),
    ("centre theatres metres manoeuvred", "center theaters meters maneuvered"),
    ("travelled grey gaol defence programme", "traveled gray jail defense program"),
    ("four hours our", "4 hours our"),
  ])
  func spellings(text: String, expected: String) {
    #expect(normalize(text) == expected)
  }

  @Test func numbersToThousandsAgreeWithTheirWords() {
    // Spelled out by a second, independent rule.
    func spell(_ n: Int) -> String {
      if n < 20 { return NumberWords.units[n] }
      if n < 100 { return NumberWords.tens[n / 10 - 2] + (n % 10 > 0 ? "-" + spell(n % 10) : "") }
      if n < 1000 { return spell(n / 100) + " hundred" + (n % 100 > 0 ? " and " + spell(n % 100) : "") }
      return spell(n / 1000) + " thousand"
        + (n % 1000 > 0 ? (n % 1000 < 100 ? " and " : " ") + spell(n % 1000) : "")
    }
    for n in Array(0...2100) + [9999, 10_000, 12_345, 99_099, 100_001, 999_999] {
      #expect(normalize(spell(n)) == String(n), "\(spell(n))")
    }
  }

  @Test func anythingCanBeNormalised() {
    let pieces = [
      "a", "and", "point", "oh", "hundred", "hundreds", "thousand", "trillion", "ninety", "nine",
      "twentieth", "eighties", "second", "999999999999999999999", "3.5", ".", ",", ":", "-", "'", "$", "£",
      "%", "½", "٣", "²", "日本", "e\u{301}", "🇬🇧", "\u{0}", "\u{202E}", "I.", "U.S", "12:34", "1,234",
      "1,23", "th", "\n",
    ]
    var state: UInt64 = 7
    func next() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33)
    }
    for _ in 0..<3000 {
      let text = (0..<(1 + next() % 8)).map { _ in pieces[next() % pieces.count] }
        .joined(separator: next() % 2 == 0 ? " " : "")
      for word in normalize.words(text) {
        #expect(!word.isEmpty && !word.contains(" ") && word == word.lowercased(), "\(text)")
      }
    }
  }
}
