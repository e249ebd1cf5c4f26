// Attention of a sequence to itself.

import SottoKernels

/// The projections of self-attention: query, key and value from one norm, and the output.
struct SelfAttention: Sendable {
  let norm: LayerNorm
  /// [N, 3 * width]: query, key, value.
  let projection: Linear
  let output: Linear
  let width: Int
  let heads: Int

  init(_ file: ModelFile, _ name: String, width: Int, heads: Int) throws {
    norm = try LayerNorm(file, name + ".norm", width: width)
    projection = try Linear(
      file, ["query", "key", "value"].map { "\(name).\($0)" }, inputs: width, outputs: width)
    output = try Linear(file, [name + ".output"], inputs: width, outputs: width)
    self.width = width
    self.heads = heads
  }

  /// x + attention of all frames to all frames; `bias` is added to the scores of each key.
  func callAsFunction(_ x: inout Matrix, bias: [Float]?, _ context: ComputeContext) {
    let projected = projection(norm(x), context)
    let memory = AttentionMemory(
      keys: projected, keyColumn: width, values: projected, valueColumn: 2 * width, heads: heads,
      dimension: width / heads, workers: context.workers)
    x.add(output(memory.attend(projected, bias: bias, workers: context.workers), context))
  }

  /// x + attention of the frames of a chunk to those that `window` remembers and to themselves.
  ///
  /// - Parameters:
  ///   - window: takes the chunk's keys and values.
  ///   - chunk: frames of a whole chunk; the last one of a stream may have fewer.
  ///   - lookahead: frames that follow a chunk, and are forgotten after it; at the end of a stream there may be fewer.
  ///   - room: matrices to compute in, for the next call.
  func callAsFunction(
    _ x: inout Matrix, window: AttentionWindow, chunk: Int, lookahead: Int, _ room: inout Room,
    _ context: ComputeContext
  ) {
    norm(x, into: &room.normalized)
    projection(room.normalized, into: &room.projected, context)
    window.append(room.projected, keyColumn: width, valueColumn: 2 * width, room: chunk + lookahead)
    window.attend(room.projected, into: &room.attended, workers: context.workers)
    window.forget(newest: lookahead)
    output(room.attended, into: &room.result, context)
    x.add(room.result)
  }

  struct Room: Sendable {
    var normalized = Matrix(rows: 0, columns: 0)
    var projected = Matrix(rows: 0, columns: 0)
    var attended = Matrix(rows: 0, columns: 0)
    var result = Matrix(rows: 0, columns: 0)
  }
}
