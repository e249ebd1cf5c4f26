// What the quantizer needs to know of a model's activations.

import SottoAudio
import SottoKernels
import SottoModels
import Synchronization

/// Gathers E[x xᵀ] of the inputs x of every linear layer while recordings are transcribed.
public final class SecondMoments: ActivationObserver {
  private struct Sum {
    var pending: [Float] = []
    var pendingRows = 0
    var moments: Matrix
    var count = 0
  }

  /// Inputs that are gathered before they are multiplied.
  private static let rowsAtOnce = 512

  private let sums = Mutex<[String: Sum]>([:])
  private let workers: Workers

  init(workers: Workers) { self.workers = workers }

  public func observe(tensor: String, inputs: Matrix) {
    sums.withLock { sums in
      var sum = sums[tensor] ?? Sum(moments: Matrix(rows: inputs.columns, columns: inputs.columns))
      sum.pending += inputs.elements
      sum.pendingRows += inputs.rows
      if sum.pendingRows >= Self.rowsAtOnce { flush(&sum) }
      sums[tensor] = sum
    }
  }

  private func flush(_ sum: inout Sum) {
    let width = sum.moments.columns
    let rows = sum.pendingRows
    if rows == 0 { return }
    var transposed = Matrix(rows: width, columns: rows)
    transposed.withUnsafeMutableElements { target in
      for row in 0..<rows {
        for column in 0..<width { target[column * rows + row] = sum.pending[row * width + column] }
      }
    }
    let weights = Weights.dense(DenseWeights(rows: width, inputs: rows, elements: transposed.elements))
    sum.moments.add(weights.product(transposed, workers: workers))
    sum.count += rows
    sum.pending.removeAll(keepingCapacity: true)
    sum.pendingRows = 0
  }

  /// The moments of each tensor's inputs, [inputs, inputs].
  func moments() -> [String: Matrix] {
    sums.withLock { sums in
      for key in sums.keys {
        if var sum = sums[key] {
          flush(&sum)
          sums[key] = sum
        }
      }
      return sums.mapValues { sum in
        var moments = sum.moments
        moments.scale(by: 1 / Float(max(sum.count, 1)))
        return moments
      }
    }
  }

  /// Runs a model on recordings and gives the second moments of its layers' inputs, by tensor.
  ///
  /// - Parameter open: gives the recording of an index, at the model's sample rate.
  /// - Throws: `ModelError`, and what the sources and `open` throw.
  public static func measure(
    modelPath: String, recordings: Int, threads: Int = 0, open: (Int) throws -> any AudioSource
  ) throws -> [String: Matrix] {
    let observer = SecondMoments(workers: Workers(count: threads))
    let file = try ModelFile(path: modelPath)
    if file.configuration.family.isStreaming {
      let context = ComputeContext(workers: Workers(count: threads), observer: observer)
      let model = try StreamingModel(file)
      for index in 0..<recordings { try model.hear(try open(index), context) }
    } else {
      var configuration = RecognizerConfiguration()
      configuration.threads = threads
      let recognizer = try Recognizer(modelPath: modelPath, configuration: configuration, observer: observer)
      for index in 0..<recordings { _ = try recognizer.transcribe(try open(index)) }
    }
    return observer.moments()
  }
}

extension StreamingModel {
  private static let samplesAtOnce = 16_000

  /// Runs the model over a whole recording, for its observer.
  fileprivate func hear(_ source: any AudioSource, _ context: ComputeContext) throws {
    var features = try features
    let stream = try CTCStream(acoustic, context: context)
    // What stands on the model sees what is found.
    var search = configuration.family == .ctc ? nil : search(.greedy, scorers: [], context: context)
    func take(_ scores: Matrix) { try? search?.push(scores, heard: stream.heard) }
    while true {
      let samples = try source.read(count: Self.samplesAtOnce)
      if samples.isEmpty { break }
      try stream.push(features.push(samples), take)
    }
    try stream.push(features.finish(), take)
    stream.finish(take)
  }
}
