// A transducer at work in a search.

import SottoDecoding
import SottoKernels
import SottoModels

/// A transducer with what it computes with.
struct TransducerDecoder: TransducerScorer {
  private let model: Transducer
  private let context: ComputeContext
  let start: Transducer.Prefix

  init(_ model: Transducer, _ context: ComputeContext) {
    self.model = model
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
    model.score(heard, onsets: onsets, after: prefixes, into: &scores, context)
  }
}
