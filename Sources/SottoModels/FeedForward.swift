// The position-wise part of a transformer layer.

import SottoKernels

/// x + W₂ GELU(W₁ norm(x)), x [N, width].
struct FeedForward: Sendable {
  private let norm: LayerNorm
  private let up: Linear
  private let down: Linear

  init(_ file: ModelFile, _ name: String, width: Int, inner: Int) throws {
    norm = try LayerNorm(file, name + ".norm", width: width)
    up = try Linear(file, [name + ".up"], inputs: width, outputs: inner)
    down = try Linear(file, [name + ".down"], inputs: inner, outputs: width)
  }

  func callAsFunction(_ x: inout Matrix, _ context: ComputeContext) {
    var inner = up(norm(x), context)
    inner.applyGELU(workers: context.workers)
    x.add(down(inner, context))
  }
}
