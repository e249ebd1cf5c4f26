// From text to a language model over a model's tokens.

import Foundation
import SottoDecoding
import SottoModels

/// Makes n-gram models for `Recognizer` and streams, from running text or from ARPA files.
public struct LanguageModelBuilder {
  public let vocabulary: LanguageModelVocabulary
  private let encoder: BytePairEncoder?
  private var estimator: KneserNeyEstimator
  private var known: [String: [Int]] = [:]
  /// Tokens of the text so far.
  public private(set) var tokens = 0

  /// - Parameters:
  ///   - modelPath: the model whose tokens are used.
  ///   - order: tokens of the longest n-grams; nil for as many as its vocabulary allows, at most 5.
  /// - Throws: `ModelError`; `DecodingError.languageModel` for an order out of range.
  public init(modelPath: String, order: Int?) throws {
    vocabulary = try LanguageModelVocabulary(modelPath: modelPath)
    encoder =
      if case .bytes(let bytes, let count) = vocabulary.kind { BytePairEncoder(bytes, count: count) } else {
        nil
      }
    estimator = try KneserNeyEstimator(
      size: vocabulary.size, order: order ?? min(NGramModel.longestOrder(size: vocabulary.size), 5))
  }

  /// Takes text: a sentence or paragraph. For word pieces, as it is spoken, and sentences in it are texts of their own, as utterances
  /// are; for bytes as it is written, after a space, as the models write.
  public mutating func add(_ text: some StringProtocol) {
    switch vocabulary.kind {
    case .pieces(let pieces):
      for sentence in text.split(whereSeparator: { ".!?;".contains($0) }) {
        take(SpokenForm.words(String(sentence)).flatMap { cut($0) { pieces.tokens($0) } })
      }
    case .bytes:
      guard let encoder else { return }
      let words = text.split(whereSeparator: \.isWhitespace)
      take(words.flatMap { cut(" " + $0) { encoder.tokens($0) } })
    }
  }

  private mutating func cut(_ word: String, _ tokens: (String) -> [Int]) -> [Int] {
    if let known = known[word] { return known }
    let cut = tokens(word)
    known[word] = cut
    return cut
  }

  private mutating func take(_ text: [Int]) {
    guard !text.isEmpty else { return }
    tokens += text.count
    estimator.add(text)
  }

  /// The model of all text taken, with at most `limit` n-grams longer than one piece.
  public mutating func build(limit: Int) throws -> NGramModel {
    var table = estimator.estimate()
    table.prune(to: limit)
    return try table.model()
  }

  /// The model of all text taken, as a file of at most `bytes`.
  ///
  /// - Throws: `DecodingError.languageModel` where they do not suffice for single pieces.
  public mutating func build(bytes: Int) throws -> NGramModel {
    var table = estimator.estimate()
    let room = bytes - LanguageModelFile.descriptionBytes
    table.prune(bytes: room)
    guard table.byteCount <= room else {
      throw DecodingError.languageModel(
        reason:
          "\(bytes) bytes are too few; single pieces alone take \(table.byteCount + LanguageModelFile.descriptionBytes)"
      )
    }
    return try table.model()
  }

  /// The model in an ARPA file whose words are the tokens, as `LanguageModelVocabulary` names them.
  public func model(arpa text: String) throws -> NGramModel {
    let tokens = vocabulary.names
    return try ARPAFile.table(
      text.split(separator: "\n", omittingEmptySubsequences: false), size: vocabulary.size
    ) { tokens[$0] }.model()
  }
}
