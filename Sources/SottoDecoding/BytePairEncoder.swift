// Text to the tokens of a byte-level vocabulary.

/// Cuts text as GPT-2 does (Radford et al. 2019), whose vocabulary Whisper's English models have: into words with the space
/// before them, numbers and marks, and each of these by byte-pair encoding (Sennrich et al., arXiv 1508.07909). Tokens are
/// numbered in the order in which training merged them, so that of two neighbours those go together first whose joint token has
/// the lowest number.
public struct BytePairEncoder: Sendable {
  private let tokens: [[UInt8]: Int]
  private let single: [Int?]

  /// - Parameter count: tokens of text in the vocabulary; those after them are marks.
  public init(_ vocabulary: Vocabulary, count: Int) {
    var tokens: [[UInt8]: Int] = [:]
    for token in 0..<max(0, min(count, vocabulary.size)) {
      let bytes = Array(vocabulary.bytes(of: token))
      if !bytes.isEmpty, tokens[bytes] == nil { tokens[bytes] = token }
    }
    self.tokens = tokens
    single = (0...255).map { tokens[[UInt8($0)]] }
  }

  /// The tokens of a text. Bytes that the vocabulary has no token for are left out.
  public func tokens(_ text: String) -> [Int] { Self.parts(text).flatMap { tokens(part: $0) } }

  /// The tokens of one part of `parts`.
  public func tokens(part: Substring) -> [Int] {
    var symbols: [(token: Int, bytes: [UInt8])] = part.utf8.compactMap { byte in
      single[Int(byte)].map { ($0, [byte]) }
    }
    while symbols.count > 1 {
      var best: (place: Int, token: Int)?
      for place in 0..<(symbols.count - 1) {
        guard let token = tokens[symbols[place].bytes + symbols[place + 1].bytes] else { continue }
        if token < best?.token ?? .max { best = (place, token) }
      }
      guard let best else { break }
      let joint = symbols[best.place].bytes + symbols[best.place + 1].bytes
      symbols[best.place] = (best.token, joint)
      symbols.remove(at: best.place + 1)
    }
    return symbols.map(\.token)
  }

  private enum Kind { case letter, number, space, mark }

  private static func kind(_ scalar: Unicode.Scalar) -> Kind {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
    case .decimalNumber, .letterNumber, .otherNumber: .number
    default: scalar.properties.isWhitespace ? .space : .mark
    }
  }

  private static let endings = ["s", "t", "re", "ve", "m", "ll", "d"].map { Array($0.unicodeScalars) }

  /// What is encoded by itself: endings after an apostrophe; runs of letters, of digits, of other marks, each with one space
  /// before it; other white space.
  public static func parts(_ text: String) -> [Substring] {
    let scalars = text.unicodeScalars
    var parts: [Substring] = []
    var start = scalars.startIndex
    while start < scalars.endIndex {
      let end = end(of: scalars, from: start)
      parts.append(text[start..<end])
      start = end
    }
    return parts
  }

  private static func end(of scalars: String.UnicodeScalarView, from start: String.Index) -> String.Index {
    if scalars[start] == "'" {
      let rest = scalars[scalars.index(after: start)...]
      if let ending = endings.first(where: { rest.starts(with: $0) }) {
        return scalars.index(start, offsetBy: 1 + ending.count)
      }
    }
    var first = start
    let second = scalars.index(after: start)
    if scalars[start] == " ", second < scalars.endIndex, kind(scalars[second]) != .space { first = second }
    let kind = kind(scalars[first])
    var end = scalars.index(after: first)
    while end < scalars.endIndex, self.kind(scalars[end]) == kind { end = scalars.index(after: end) }
    guard kind == .space, end < scalars.endIndex else { return end }
    // The last space before a word belongs to the word.
    let last = scalars.index(before: end)
    return last > start ? last : end
  }

  /// A token as GPT-2's files write it: bytes that are no printable characters of Latin-1 as characters from U+0100 on.
  public static func name(_ bytes: some Sequence<UInt8>) -> String {
    var name = ""
    for byte in bytes { name.unicodeScalars.append(printable[Int(byte)]) }
    return name
  }

  private static let printable: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (UInt8.min...UInt8.max).map { byte in
      let isPrintable = (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174
      if isPrintable { return Unicode.Scalar(byte) }
      defer { next += 1 }
      return Unicode.Scalar(next) ?? " "
    }
  }()
}
