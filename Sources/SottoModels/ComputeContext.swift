// What every layer is given beside its input.

import SottoKernels

/// Sees the inputs of linear layers while a model runs, to gather their second moments for the quantizer.
public protocol ActivationObserver: Sendable {
  /// - Parameters:
  ///   - tensor: name of the weights that `inputs` are multiplied with.
  ///   - inputs: [columns, inputs].
  func observe(tensor: String, inputs: Matrix)
}

/// Threads to compute with, how exactly, and who looks on.
public struct ComputeContext: Sendable {
  public var workers: Workers
  public var observer: (any ActivationObserver)?
  /// How exactly layers multiply with coded weights. Scores of tokens are always computed accurately.
  public var precision = ProductPrecision.accurate

  public init(workers: Workers = .one, observer: (any ActivationObserver)? = nil) {
    self.workers = workers
    self.observer = observer
  }

  /// Shows the inputs of a product to the observer, where there is one: the columns that `window` cuts from `x`.
  func observe(_ tensor: String, _ x: Matrix, window: ColumnWindow = .row) {
    guard let observer else { return }
    if window == .row { return observer.observe(tensor: tensor, inputs: x) }
    let count = window.columns(in: x.rows)
    let elements = (0..<count).flatMap { column in
      (0..<window.rows).flatMap { x.row(column * window.stride + $0) }
    }
    observer.observe(
      tensor: tensor, inputs: Matrix(rows: count, columns: window.rows * x.columns, elements: elements))
  }
}
