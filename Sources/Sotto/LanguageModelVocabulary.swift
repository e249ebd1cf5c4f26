// The tokens that a language model is made of: those of the model that it helps.

import SottoDecoding
import SottoModels

/// Word pieces of a streaming model, or the bytes of an attention model.
public struct LanguageModelVocabulary: Sendable {
  enum Kind: Sendable {
    case pieces(PieceVocabulary)
    /// Only so many tokens are text.
    case bytes(Vocabulary, textTokens: Int)
  }

  let kind: Kind

  init(_ pieces: PieceVocabulary) { kind = .pieces(pieces) }

  init(_ model: AttentionModel) { self.init(model.vocabulary, textTokens: model.special.endOfText) }

  init(_ vocabulary: Vocabulary, textTokens: Int) {
    kind = .bytes(vocabulary, textTokens: max(0, min(textTokens, vocabulary.size)))
  }

  /// - Throws: `ModelError` where the file is no model, or lacks its vocabulary.
  init(modelPath: String) throws {
    let file = try ModelFile(path: modelPath)
    if file.configuration.family.isStreaming {
      self.init(try StreamingModel(file).vocabulary)
    } else {
      let special = try file.part(\.vocabulary.special, of: .attention)
      self.init(try Vocabulary(file), textTokens: special.endOfText)
    }
  }

  public var size: Int {
    switch kind {
    case .pieces(let pieces): pieces.size
    case .bytes(_, let count): count
    }
  }

  /// Tells vocabularies apart: FNV-1a over the tokens, with line feeds between them.
  var fingerprint: String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    for token in 0..<size {
      if token > 0 { add(UInt8(ascii: "\n")) }
      switch kind {
      case .pieces(let pieces): pieces.pieces[token].utf8.forEach(add)
      case .bytes(let vocabulary, _): vocabulary.bytes(of: token).forEach(add)
      }
    }
    return String(hash, radix: 16)
  }

  /// Tokens by their names in ARPA files: word pieces, or GPT-2's way to write bytes.
  var names: [Substring: Int] {
    let names: [String] =
      switch kind {
      case .pieces(let pieces): pieces.pieces
      case .bytes(let vocabulary, let count):
        (0..<count).map { BytePairEncoder.name(vocabulary.bytes(of: $0)) }
      }
    return Dictionary(zip(names.map { Substring($0) }, 0...), uniquingKeysWith: { first, _ in first })
  }
}
