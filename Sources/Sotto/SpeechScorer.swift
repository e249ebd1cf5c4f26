// The attention decoder, as the beam search sees it.

import SottoDecoding
import SottoKernels
import SottoModels

/// Scores next tokens over one encoded chunk of speech. A state is the list of slots of a hypothesis.
final class SpeechScorer: TokenScorer {
  typealias State = [Int32]

  private let session: DecoderSession
  private var logits: Matrix

  init(_ session: DecoderSession) {
    self.session = session
    logits = Matrix(rows: 0, columns: 0)
  }

  func begin(prompt: [Int], visit: ([Int32], UnsafeMutableBufferPointer<Float>) -> Void) {
    let (slots, states) = session.feed(prompt: prompt)
    guard !slots.isEmpty else { return }
    score(states.rows((states.rows - 1)..<states.rows)) { _, scores in visit(slots, scores) }
  }

  func advance(
    _ items: [(state: [Int32], token: Int)], visit: (Int, [Int32], UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    let (slots, states) = session.feed(items.map { .init(token: $0.token, past: $0.state) })
    guard !slots.isEmpty else { return }
    score(states) { row, scores in visit(row, items[row].state + [slots[row]], scores) }
  }

  private func score(_ states: Matrix, _ body: (Int, UnsafeMutableBufferPointer<Float>) -> Void) {
    session.logits(states, into: &logits)
    let columns = logits.columns
    let rows = logits.rows
    logits.withUnsafeMutableElements { elements in
      for row in 0..<rows {
        body(row, UnsafeMutableBufferPointer(rebasing: elements[(row * columns)..<((row + 1) * columns)]))
      }
    }
  }
}
