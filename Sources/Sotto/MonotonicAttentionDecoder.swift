// Monotonic attention at work in a search.

import SottoDecoding
import SottoKernels
import SottoModels

/// Monotonic attention with what it computes with.
struct MonotonicAttentionDecoder: MonotonicScorer {
  private let model: MonotonicAttention
  private let context: ComputeContext
  let start: MonotonicAttention.Prefix
  let silence = MonotonicAttention.Past()

  init(_ model: MonotonicAttention, _ context: ComputeContext) {
    self.model = model
    self.context = context
    start = model.start(context)
  }

  var width: Int { model.width }

  func extended(
    _ prefixes: [(prefix: MonotonicAttention.Prefix, token: Int)]
  ) -> [MonotonicAttention.Prefix] {
    prefixes.map { model.extended($0.prefix, by: $0.token, context) }
  }

  func hear(_ row: Matrix, _ past: inout MonotonicAttention.Past) { model.hear(row, &past, context) }

  func stops(
    _ past: MonotonicAttention.Past, onsets: [Float], after prefixes: [MonotonicAttention.Prefix]
  ) -> [Float] {
    model.stops(past, onsets: onsets, after: prefixes)
  }

  func score(
    _ past: MonotonicAttention.Past, onsets: [Float], after prefixes: [MonotonicAttention.Prefix],
    into scores: inout Matrix
  ) {
    model.score(past, onsets: onsets, after: prefixes, into: &scores, context)
  }
}
