// The cheapest way to turn one sequence into another (Levenshtein), with the steps it takes.

/// Steps that lead from a reference to a hypothesis, in order.
public struct Alignment: Sendable, Hashable {
  public enum Step: Sendable, Hashable {
    /// Indices into the reference and the hypothesis.
    case match(Int, Int)
    case substitution(Int, Int)
    case deletion(Int)
    case insertion(Int)
  }

  public let steps: [Step]

  /// Aligns with the fewest errors.
  ///
  /// Of several ways with as few errors the choice is always the same one: seen from the end, a deletion goes before
  /// an insertion, and an insertion (where the reference's element does not also fit) before a pair; this is what
  /// RapidFuzz does. Takes O(n·m) time; memory stays below ``Aligner/tableLimit`` bytes and a few rows.
  public init<Element: Hashable>(reference: [Element], hypothesis: [Element]) {
    var numbers: [Element: Int32] = [:]
    func number(_ element: Element) -> Int32 {
      if let number = numbers[element] { return number }
      let number = Int32(truncatingIfNeeded: numbers.count)
      numbers[element] = number
      return number
    }
    var aligner = Aligner(reference: reference.map(number), hypothesis: hypothesis.map(number))
    aligner.align(0..<reference.count, 0..<hypothesis.count)
    steps = aligner.steps
  }

  public var counts: ErrorCounts {
    var counts = ErrorCounts()
    for step in steps {
      switch step {
      case .match: counts.hits += 1
      case .substitution: counts.substitutions += 1
      case .deletion: counts.deletions += 1
      case .insertion: counts.insertions += 1
      }
    }
    return counts
  }
}

/// Levenshtein by a table of directions where it is small enough, and by Hirschberg's halving above that.
struct Aligner {
  /// Cells of the largest table, a byte each.
  static let tableLimit = 1 << 26

  let reference: [Int32]
  let hypothesis: [Int32]
  var tableLimit = Aligner.tableLimit
  private(set) var steps: [Alignment.Step] = []

  init(reference: [Int32], hypothesis: [Int32]) {
    self.reference = reference
    self.hypothesis = hypothesis
  }

  /// Appends the steps for a stretch of both.
  mutating func align(_ rows: Range<Int>, _ columns: Range<Int>) {
    var rows = rows
    var columns = columns
    while let row = rows.first, let column = columns.first, reference[row] == hypothesis[column] {
      steps.append(.match(row, column))
      rows.removeFirst()
      columns.removeFirst()
    }
    var tail = 0
    while tail < min(rows.count, columns.count),
      reference[rows.upperBound - 1 - tail] == hypothesis[columns.upperBound - 1 - tail]
    {
      tail += 1
    }
    rows = rows.dropLast(tail)
    columns = columns.dropLast(tail)
    if (rows.count + 1).multipliedReportingOverflow(by: columns.count + 1).partialValue <= tableLimit
      || rows.count < 2
    {
      steps += table(rows, columns)
    } else {
      halve(rows, columns)
    }
    for offset in 0..<tail { steps.append(.match(rows.upperBound + offset, columns.upperBound + offset)) }
  }

  private enum Direction {
    static let pair: UInt8 = 0
    static let deletion: UInt8 = 1
    static let insertion: UInt8 = 2
  }

  private func table(_ rows: Range<Int>, _ columns: Range<Int>) -> [Alignment.Step] {
    let width = columns.count + 1
    var directions = [UInt8](repeating: Direction.insertion, count: (rows.count + 1) * width)
    var above = Array(0...Int32(clamping: columns.count))
    var current = above
    for (i, row) in zip(1..., rows) {
      current[0] = Int32(i)
      directions[i * width] = Direction.deletion
      for (j, column) in zip(1..., columns) {
        let pair = above[j - 1] + (reference[row] == hypothesis[column] ? 0 : 1)
        let best = min(pair, above[j] + 1, current[j - 1] + 1)
        current[j] = best
        if best == above[j] + 1 {
          directions[i * width + j] = Direction.deletion
        } else {
          // An insertion only where it leads to a smaller distance than the pair's.
          directions[i * width + j] = current[j - 1] < above[j - 1] ? Direction.insertion : Direction.pair
        }
      }
      swap(&above, &current)
    }
    var steps: [Alignment.Step] = []
    var i = rows.count
    var j = columns.count
    while i > 0 || j > 0 {
      let row = rows.lowerBound + i - 1
      let column = columns.lowerBound + j - 1
      switch directions[i * width + j] {
      case Direction.deletion:
        steps.append(.deletion(row))
        i -= 1
      case Direction.insertion:
        steps.append(.insertion(column))
        j -= 1
      default:
        steps.append(reference[row] == hypothesis[column] ? .match(row, column) : .substitution(row, column))
        i -= 1
        j -= 1
      }
    }
    return steps.reversed()
  }

  /// Splits the reference in the middle and the hypothesis where the two halves together cost least.
  private mutating func halve(_ rows: Range<Int>, _ columns: Range<Int>) {
    let middle = rows.lowerBound + rows.count / 2
    let before = distances(rows.lowerBound..<middle, columns, isReversed: false)
    let after = distances(middle..<rows.upperBound, columns, isReversed: true)
    let costs = zip(before, after.reversed()).map(+)
    let split = costs.indices.min { costs[$0] < costs[$1] }
    let column = columns.lowerBound + (split ?? 0)
    align(rows.lowerBound..<middle, columns.lowerBound..<column)
    align(middle..<rows.upperBound, column..<columns.upperBound)
  }

  /// Distances of the rows to each beginning of the columns (each end, where reversed).
  private func distances(_ rows: Range<Int>, _ columns: Range<Int>, isReversed: Bool) -> [Int32] {
    let left = isReversed ? reference[rows].reversed() : Array(reference[rows])
    let right = isReversed ? hypothesis[columns].reversed() : Array(hypothesis[columns])
    var distances = Array(0...Int32(clamping: right.count))
    for (i, element) in zip(Int32(1)..., left) {
      var diagonal = distances[0]
      distances[0] = i
      for j in 1..<distances.count {
        let pair = diagonal + (element == right[j - 1] ? 0 : 1)
        diagonal = distances[j]
        distances[j] = min(pair, distances[j] + 1, distances[j - 1] + 1)
      }
    }
    return distances
  }
}
