// From text to a language model over a model's word pieces.

import Foundation
import SottoDecoding
import SottoModels

/// Makes n-gram models for `RecognitionStream`, from running text or from ARPA files.
public struct LanguageModelBuilder {
  public let vocabulary: PieceVocabulary
  private var estimator: KneserNeyEstimator
  private var known: [String: [Int]] = [:]
  /// Word pieces of the text so far.
  public private(set) var tokens = 0

  /// - Parameter modelPath: a streaming model, whose pieces are used.
  /// - Throws: `ModelError`; `DecodingError.languageModel` for an order out of range.
  public init(modelPath: String, order: Int) throws {
    let model = try StreamingModel(path: modelPath)
    vocabulary = model.vocabulary
    estimator = try KneserNeyEstimator(size: vocabulary.size, order: order)
  }

  /// Takes text: a sentence or paragraph. Sentences in it are texts of their own, as utterances are.
  public mutating func add(_ text: some StringProtocol) {
    for sentence in text.split(whereSeparator: { ".!?;".contains($0) }) {
      var pieces: [Int] = []
      for word in SpokenForm.words(String(sentence)) {
        if let known = known[word] {
          pieces += known
        } else {
          let cut = vocabulary.tokens(word)
          known[word] = cut
          pieces += cut
        }
      }
      guard !pieces.isEmpty else { continue }
      tokens += pieces.count
      estimator.add(pieces)
    }
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

  /// The model in an ARPA file whose words are the pieces.
  public func model(arpa text: String) throws -> NGramModel {
    let tokens = Dictionary(
      zip(vocabulary.pieces.map { Substring($0) }, 0...), uniquingKeysWith: { first, _ in first })
    return try ARPAFile.table(
      text.split(separator: "\n", omittingEmptySubsequences: false), size: vocabulary.size
    ) { tokens[$0] }.model()
  }
}
