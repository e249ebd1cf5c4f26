// N-gram models in the ARPA format, as SRILM, KenLM and others write them.

import Glibc

/// Reads `\data\`, a section for each length, and `\end\`. Log probabilities there are decimal.
public enum ARPAFile {
  /// The table of an ARPA file whose words are tokens of a vocabulary, or "<s>" and "</s>".
  ///
  /// N-grams with other words (such as "<unk>") are left out, and lengths that states cannot hold.
  ///
  /// - Parameter token: the token of a word; nil where there is none.
  /// - Throws: `DecodingError.arpa` naming the line, `.languageModel` where the vocabulary is too large.
  public static func table(
    _ lines: some Sequence<Substring>, size: Int, token: (Substring) -> Int?
  ) throws -> NGramTable {
    guard (1...NGramModel.largestSize).contains(size) else {
      throw DecodingError.languageModel(
        reason: "\(size) tokens; 1 to \(NGramModel.largestSize) are possible")
    }
    var reader = Reader(size: size)
    for line in lines { try reader.take(line, token) }
    return try reader.table()
  }

  private struct Entry {
    var key: UInt64
    var probability: Float
    var backoff: Float
  }

  private struct Reader {
    let size: Int
    var line = 0
    /// 0 before `\data\` and in it; then the length of the section.
    var length = 0
    var hasData = false
    var hasEnded = false
    /// How many n-grams of each length `\data\` says there are, and how many the section has had.
    var declared: [Int] = []
    var inSection = 0
    var entries: [[Entry]] = []
    private let packing: TokenPacking

    init(size: Int) {
      self.size = size
      packing = TokenPacking(size: size)
    }

    mutating func take(_ raw: Substring, _ token: (Substring) -> Int?) throws {
      line += 1
      if hasEnded { return }
      let text = raw.trimmed
      if text.isEmpty { return }
      if text == "\\data\\" {
        hasData = true
      } else if text == "\\end\\" {
        try endSection()
        guard length == declared.count else {
          throw DecodingError.arpa(line: line, reason: "there are no n-grams of length \(length + 1)")
        }
        hasEnded = true
      } else if text.hasPrefix("\\"), text.hasSuffix("-grams:") {
        guard hasData, let number = Int(text.dropFirst().dropLast(7)), number == length + 1,
          number <= declared.count
        else { throw DecodingError.arpa(line: line, reason: "“\(text)” does not follow the section before") }
        try endSection()
        length = number
        inSection = 0
        entries.append([])
      } else if length > 0 {
        inSection += 1
        try takeEntry(text, token)
      } else if hasData {
        let fields = text.dropFirst(6).split(separator: "=", omittingEmptySubsequences: false)
        guard text.hasPrefix("ngram "), fields.count == 2, Int(fields[0].trimmed) == declared.count + 1,
          let count = Int(fields[1].trimmed), count >= 0
        else { throw DecodingError.arpa(line: line, reason: "“\(text)” is no count of n-grams") }
        declared.append(count)
      }
    }

    private func endSection() throws {
      guard length > 0, inSection != declared[length - 1] else { return }
      throw DecodingError.arpa(
        line: line,
        reason:
          "there are \(inSection) n-grams of length \(length), and not the \(declared[length - 1]) announced")
    }

    private mutating func takeEntry(_ text: Substring, _ token: (Substring) -> Int?) throws {
      let fields = text.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard fields.count == length + 1 || fields.count == length + 2 else {
        throw DecodingError.arpa(
          line: line,
          reason:
            "\(fields.count) fields; a log probability, \(length) words and perhaps a back-off weight are expected"
        )
      }
      guard let probability = Float(fields[0]), probability <= 0.001, !probability.isNaN else {
        throw DecodingError.arpa(line: line, reason: "“\(fields[0])” is no log probability")
      }
      var backoff: Float = 0
      if fields.count == length + 2 {
        guard let value = Float(fields[length + 1]), value.isFinite else {
          throw DecodingError.arpa(line: line, reason: "“\(fields[length + 1])” is no back-off weight")
        }
        backoff = value
      }
      if length > min(packing.capacity, packing.longestOrder) { return }
      var key: UInt64 = 0
      for word in fields[1...length] {
        let found: Int? =
          switch word {
          case "<s>": size
          case "</s>": size + 1
          default: token(word)
          }
        guard let found, (0..<(size + 2)).contains(found) else { return }
        key = key << packing.bits | UInt64(found)
      }
      entries[length - 1].append(
        Entry(key: key, probability: max(probability, -9) * ln10, backoff: min(max(backoff, -9), 9) * ln10))
    }

    func table() throws -> NGramTable {
      guard hasData, !entries.isEmpty else {
        throw DecodingError.arpa(line: line, reason: "there are no n-grams in it")
      }
      guard hasEnded else { throw DecodingError.arpa(line: line, reason: "it breaks off before \\end\\") }
      var table = NGramTable(size: size)
      var first = NGramTable.Level()
      let unigrams = Dictionary(entries[0].map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
      for token in 0..<(size + 2) {
        let entry = unigrams[UInt64(token)]
        first.keys.append(UInt64(token))
        first.probabilities.append(entry?.probability ?? -9 * ln10)
        first.backoffs.append(entry?.backoff ?? 0)
      }
      table.levels.append(first)
      for entries in entries.dropFirst() {
        var level = NGramTable.Level()
        for entry in entries.sorted(by: { $0.key < $1.key }) where level.keys.last != entry.key {
          // What has no context cannot be found, and is not needed.
          guard table.levels[table.levels.count - 1].index(packing.context(entry.key)) != nil else {
            continue
          }
          level.keys.append(entry.key)
          level.probabilities.append(entry.probability)
          level.backoffs.append(entry.backoff)
        }
        if level.keys.isEmpty { break }
        table.levels.append(level)
      }
      return table
    }
  }

  private static let ln10: Float = 2.302_585
}

extension Substring {
  fileprivate var trimmed: Substring {
    var text = self
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return text.drop(while: \.isWhitespace)
  }
}
