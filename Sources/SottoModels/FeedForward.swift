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

  /// - Parameter room: matrices to compute in, for the next call.
  func callAsFunction(_ x: inout Matrix, _ room: inout Room, _ context: ComputeContext) {
    norm(x, into: &room.normalized)
    up(room.normalized, into: &room.inner, context)
    room.inner.applyGELU(workers: context.workers)
    down(room.inner, into: &room.result, context)
    x.add(room.result)
  }

  func callAsFunction(_ x: inout Matrix, _ context: ComputeContext) {
    var room = Room()
    self(&x, &room, context)
  }

  struct Room: Sendable {
    var normalized = Matrix(rows: 0, columns: 0)
    var inner = Matrix(rows: 0, columns: 0)
    var result = Matrix(rows: 0, columns: 0)
  }
}
