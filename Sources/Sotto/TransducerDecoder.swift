// A transducer at work in a search.

import SottoDecoding
import SottoKernels
import SottoModels

/// A transducer with what it computes with.
struct TransducerDecoder: TransducerScorer {
  private let model: Transducer
  private let context: ComputeContext
  /// How much the joiner counts (`Transducer.score`).
  private let share: Float
  let start: Transducer.Prefix

  /// Its share beside a language model: what the transducer has learnt of text is in the language model already, so that both count
  /// it. Of a few round values it was best on LJ Speech (models/stream-rnnt.md).
  static let shareBesideLanguageModel: Float = 0.5

  init(_ model: Transducer, share: Float = 1, _ context: ComputeContext) {
    self.model = model
    self.share = share
    self.context = context
    start = model.start(context)
  }

  var width: Int { model.width }

  func extended(_ prefixes: [(prefix: Transducer.Prefix, token: Int)]) -> [Transducer.Prefix] {
    prefixes.map { model.extended($0.prefix, by: $0.token, context) }
  }

  func score(
    _ heard: Matrix, onsets: [Float], after prefixes: [Transducer.Prefix], into scores: inout Matrix
  ) {
    model.score(heard, onsets: onsets, after: prefixes, share: share, into: &scores, context)
  }
}
