// What every layer is given beside its input.

import SottoKernels

/// Sees the inputs of linear layers while a model runs, to gather their second moments for the quantizer.
public protocol ActivationObserver: Sendable {
  /// - Parameters:
  ///   - tensor: name of the weights that `inputs` are multiplied with.
  ///   - inputs: [columns, inputs].
  func observe(tensor: String, inputs: Matrix)
}

/// Threads to compute with, and who looks on.
public struct ComputeContext: Sendable {
  public var workers: Workers
  public var observer: (any ActivationObserver)?

  public init(workers: Workers = .one, observer: (any ActivationObserver)? = nil) {
    self.workers = workers
    self.observer = observer
  }
}
