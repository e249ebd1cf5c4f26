// A median filter for streams.

/// The median over `length` (odd) values around each one, over those there are at the ends; comes length / 2 values
/// late.
struct CentredMedian {
  let length: Int
  private var recent: [Float] = []
  /// Values in `recent` whose median has not come out.
  private var due = 0

  init(length: Int) { self.length = length }

  mutating func push(_ value: Float) -> Float? {
    recent.append(value)
    if recent.count > length { recent.removeFirst() }
    due += 1
    guard due > length / 2 else { return nil }
    due -= 1
    return medianOfRecent()
  }

  /// The values left. The next one pushed starts another stream.
  mutating func finish() -> [Float] {
    var values: [Float] = []
    while due > 0 {
      // The value due stands `due` from the end; its window reaches length / 2 before it.
      recent.removeFirst(max(0, recent.count - due - length / 2))
      values.append(medianOfRecent())
      due -= 1
    }
    recent = []
    return values
  }

  private func medianOfRecent() -> Float { recent.sorted()[recent.count / 2] }
}
