// A transducer on a CTC model (RNN-T: Graves, arXiv 1211.3711): predictor and joiner.

import Glibc
import SottoKernels

/// What comes next, after what was heard and what was said: scores of the blank (class 0) and of each piece i (class i + 1).
///
///     g = LSTM of the pieces said so far; h = a row of the CTC model's last recurrent layer (`CTCStream.heard`)
///     log-softmax(log o + output(tanh(heard(h) + recalled(g))))
///
/// o are the probabilities of what begins there for CTC, so that a joiner of zeros is CTC.
public struct Transducer: Sendable {
  let predictor: Predictor
  let heard: Linear
  let recalled: Linear
  let output: Linear
  /// Width of the rows that it hears.
  public let width: Int

  /// Pieces and the blank.
  public var classes: Int { output.outputs }

  /// - Throws: `ModelError`, also where the model is of another family.
  public init(_ file: ModelFile) throws {
    let shape = try file.part(\.transducer, of: .rnnt)
    width = try file.part(\.recurrent, of: .rnnt).width
    let classes = file.configuration.vocabulary.size + 1
    predictor = try Predictor(file, embedding: shape.embedding, width: shape.predictor)
    heard = try Linear(file, ["joiner.heard"], inputs: width, outputs: shape.inner)
    recalled = try Linear(file, ["joiner.recalled"], inputs: shape.predictor, outputs: shape.inner)
    output = try Linear(file, ["joiner.output"], inputs: shape.inner, outputs: classes)
  }

  /// What the predictor remembers of the pieces said so far. Copies share memory.
  public struct Prefix: Sendable {
    fileprivate let state: Predictor.State
    /// What the joiner takes of it, [1, inner].
    fileprivate let recalled: Matrix
  }

  /// Before the first piece.
  public func start(_ context: ComputeContext) -> Prefix {
    remembering(predictor(context), context)
  }

  /// A prefix with one piece more.
  ///
  /// - Precondition: the piece is one of the vocabulary.
  public func extended(_ prefix: Prefix, by piece: Int, _ context: ComputeContext) -> Prefix {
    remembering(predictor(after: prefix.state, piece: piece, context), context)
  }

  private func remembering(
    _ predicted: (state: Predictor.State, outputs: Matrix), _ context: ComputeContext
  ) -> Prefix {
    Prefix(state: predicted.state, recalled: recalled(predicted.outputs, context))
  }

  /// Writes the log-probabilities of what comes after each prefix, [prefixes, classes].
  ///
  /// - Parameters:
  ///   - row: what was heard, [1, width].
  ///   - onsets: log-probabilities of what begins there for CTC, one for each class.
  ///   - share: how much the joiner counts beside CTC, 1 as trained, 0 for CTC alone: log-softmax(log o + share · output(...)).
  public func score(
    _ row: Matrix, onsets: [Float], after prefixes: [Prefix], share: Float = 1, into scores: inout Matrix,
    _ context: ComputeContext
  ) {
    precondition(row.rows == 1 && row.columns == width && onsets.count == classes, "sizes of a row differ")
    let heard = heard(row, context).elements
    var inner = Matrix(rows: prefixes.count, columns: heard.count)
    inner.withUnsafeMutableElements { inner in
      for (place, prefix) in prefixes.enumerated() {
        prefix.recalled.withUnsafeElements { recalled in
          for index in heard.indices {
            inner[place * heard.count + index] = tanhf(heard[index] + recalled[index])
          }
        }
      }
    }
    output(inner, into: &scores, context)
    let classes = classes
    scores.withUnsafeMutableElements { scores in
      for place in prefixes.indices {
        for (index, onset) in onsets.enumerated() {
          scores[place * classes + index] = onset + share * scores[place * classes + index]
        }
      }
    }
    scores.applyLogSoftmax()
  }
}
