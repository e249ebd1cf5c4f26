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
}
