// Times products and writes a line of CSV for each: median of interleaved rounds, processor time of one thread. See tools/benchmarks/kernels.

import CBaseline
import Foundation
import SottoKernels

let shapes = [
  Shape(rows: 384, inputs: 384), Shape(rows: 1536, inputs: 384), Shape(rows: 384, inputs: 1536),
  Shape(rows: 1024, inputs: 512), Shape(rows: 2560, inputs: 640), Shape(rows: 51865, inputs: 384),
]
let columnCounts = [1, 4, 8, 32, 64]
/// Weights of a model that products cycle through.
let modelWeights = 40_000_000
let rounds = 9
let secondsOfRound = 0.003
/// Rows whose results are compared with sums in double precision.
let checkedRows = 384

struct Generator: RandomNumberGenerator {
  var state: UInt64 = 88_172_645_463_325_252
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}

/// Seconds of the processor that `body` takes: other programs on the machine do not count.
func seconds(_ body: () -> Void) -> Double {
  func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
  let start = now()
  body()
  return now() - start
}

/// ‖y − x Wᵀ‖ / ‖x Wᵀ‖ over the first rows, with the weights of as many planes as the contestant has.
func relativeError(_ y: Matrix, _ problem: Problem, planes: Int) -> Double {
  let rows = min(problem.shape.rows, checkedRows)
  let inputs = problem.shape.inputs
  let weights = problem.weights(planes: planes, rows: rows)
  let (x, results) = (problem.x.elements, y.elements)
  var (error, size) = (0.0, 0.0)
  for c in 0..<min(y.rows, 8) {
    for r in 0..<rows {
      var sum = 0.0
      for k in 0..<inputs { sum += Double(weights[r * inputs + k]) * Double(x[c * inputs + k]) }
      let difference = Double(results[c * problem.shape.rows + r]) - sum
      error += difference * difference
      size += sum * sum
    }
  }
  return (error / size).squareRoot()
}

func measure(_ contestants: [Contestant], _ problem: Problem, columns: Int, mode: String) {
  let x = problem.x.rows(0..<columns)
  var y = Matrix(rows: columns, columns: problem.shape.rows)
  var errors: [Double] = []
  var repetitions: [Int] = []
  var times = contestants.map { _ in [Double]() }
  for contestant in contestants {
    contestant.run(x, into: &y)
    errors.append(relativeError(y, problem, planes: contestant.planes == 0 ? 3 : contestant.planes))
    let once = seconds { contestant.run(x, into: &y) }
    repetitions.append(max(Int(secondsOfRound / once), 1))
  }
  for _ in 0..<rounds {
    for (index, contestant) in contestants.enumerated() {
      let count = repetitions[index]
      let time = seconds { for _ in 0..<count { contestant.run(x, into: &y) } }
      times[index].append(time / Double(count))
    }
  }
  for (index, contestant) in contestants.enumerated() {
    let median = times[index].sorted()[rounds / 2]
    print(
      "\(mode),\(problem.shape.rows),\(problem.shape.inputs),\(columns),\(contestant.name),\(contestant.planes),"
        + String(format: "%.3f,%.2e", median * 1e6, errors[index]))
  }
}

/// Copies of the weights: one, or as many as make a model.
func copies(_ shape: Shape, mode: String) -> Int {
  mode == "hot" ? 1 : (modelWeights + shape.rows * shape.inputs - 1) / (shape.rows * shape.inputs)
}

let arguments = Array(CommandLine.arguments.dropFirst())
let wanted = arguments.compactMap { Int($0) }
print("isa,\(InstructionSet.best)")
print("int8,\(baseline_name().map { String(cString: $0) } ?? "none")")
print("mode,rows,inputs,columns,contestant,planes,microseconds,error")
for (number, shape) in shapes.enumerated() where wanted.isEmpty || wanted.contains(number) {
  for mode in ["hot", "model"] {
    let count = copies(shape, mode: mode)
    var random = Generator()
    let problem = Problem(shape, mostColumns: columnCounts.max() ?? 1, using: &random)
    var contestants = [
      Contestant.openBLAS(problem, copies: count), Contestant.int8(problem, oneDNN: false, copies: count),
      Contestant.int8(problem, oneDNN: true, copies: count),
    ]
    for planes in 1...Problem.mostPlanes {
      for precision in [ProductPrecision.fast, .accurate] {
        contestants.append(try Contestant.sotto(problem, planes: planes, precision, copies: count))
      }
    }
    for columns in columnCounts { measure(contestants, problem, columns: columns, mode: mode) }
  }
}
