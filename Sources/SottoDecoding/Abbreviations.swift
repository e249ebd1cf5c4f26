// Abbreviations and loose spellings written out, a step of the normaliser.

enum Abbreviations {
  static func expand(_ tokens: [Token]) -> [Token] {
    var result: [Token] = []
    for (index, token) in tokens.enumerated() {
      let follower = index + 1 < tokens.count ? tokens[index + 1].text : ""
      let words = replacement(for: token, before: follower)
      for (position, word) in words.enumerated() {
        result.append(
          Token(text: String(word), gap: position == 0 ? token.gap : .space, dotted: token.dotted))
      }
    }
    return joined(result)
  }

  private static func replacement(for token: Token, before follower: String) -> [Substring] {
    if let full = always[token.text] { return full.split(separator: " ") }
    if token.dotted, let full = withFullStop[token.text] { return full.split(separator: " ") }
    if token.dotted, token.text == "no", follower.first?.isNumber == true { return ["number"] }
    return [token.text[...]]
  }

  /// Words that some write apart: "per cent", "can not", "all right".
  private static func joined(_ tokens: [Token]) -> [Token] {
    var result: [Token] = []
    for token in tokens {
      if token.gap == .space, let last = result.last, let whole = pairs[last.text + " " + token.text] {
        result[result.count - 1].text = whole
      } else {
        result.append(token)
      }
    }
    return result
  }

  private static let pairs = ["per cent": "percent", "can not": "cannot", "all right": "alright"]

  /// Written out wherever they stand.
  private static let always = [
    "mr": "mister", "mrs": "missus", "messrs": "messieurs", "dr": "doctor", "st": "saint",
    "prof": "professor", "jr": "junior", "sr": "senior", "esq": "esquire", "vs": "versus",
    "etc": "et cetera", "capt": "captain", "ok": "okay", "gonna": "going to", "wanna": "want to",
    "gotta": "got to", "'cause": "because", "o'clock": "oclock", "c'mon": "come on", "y'all": "you all",
    "ma'am": "madam",
  ]

  /// Written out only with their full stop, for they are words or names without it.
  private static let withFullStop = [
    "hon": "honorable", "rev": "reverend", "gen": "general", "col": "colonel", "lt": "lieutenant",
    "sgt": "sergeant", "gov": "governor", "sen": "senator", "rep": "representative", "pres": "president",
    "vol": "volume", "co": "company", "inc": "incorporated", "ltd": "limited", "dept": "department",
  ]
}
