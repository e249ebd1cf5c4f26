// A part of a corpus, drawn at random.

import SottoDecoding

extension Corpus {
  /// Keeps `limit` utterances, in their order. The same seed draws the same ones everywhere.
  public mutating func sample(limit: Int, seed: UInt64) {
    guard limit < utterances.count else { return }
    var random = SplitMix64(seed: seed)
    var places = Array(utterances.indices)
    for index in 0..<max(limit, 0) {
      places.swapAt(index, index + random.next(below: places.count - index))
    }
    utterances = places.prefix(max(limit, 0)).sorted().map { utterances[$0] }
  }
}
