// What searches with models that stand on a CTC model have in common.

import SottoKernels

/// A search whose hypotheses have scores of their own, and say at most one token in a row, where for CTC anything may begin.
protocol OnsetSearch: StreamingSearch {
  var onsets: Onsets { get set }

  /// Takes the next row of what was heard, [1, width].
  mutating func hear(_ row: Matrix)

  /// Scores what `onsets` allow in the row that was heard last.
  mutating func take()
}

extension OnsetSearch {
  mutating func pushRows(_ logProbabilities: Matrix, heard: Matrix, width: Int) throws {
    let classes = pieces + 1
    guard logProbabilities.columns == classes else {
      throw DecodingError.classes(got: logProbabilities.columns, needed: classes)
    }
    guard heard.columns == width, heard.rows == logProbabilities.rows else {
      throw DecodingError.heard(
        rows: heard.rows, width: heard.columns, neededRows: logProbabilities.rows, neededWidth: width)
    }
    for row in 0..<logProbabilities.rows {
      hear(heard.rows(row..<(row + 1)))
      let isPossible = logProbabilities.withUnsafeElements {
        onsets.take(UnsafeBufferPointer(rebasing: $0[(row * classes)..<((row + 1) * classes)]))
      }
      if isPossible {
        if onsets.values[0] >= prefixes.certainBlank {
          prefixes.takeBlank(onsets.values[0])
        } else {
          take()
        }
      }
      prefixes.frames += 1
    }
  }

  /// Takes log probabilities [hypotheses, pieces + 1], in the order of the beam; where they allow nothing, nothing changes.
  mutating func takeRows(_ values: [Float]) {
    prefixes.grown.removeAll(keepingCapacity: true)
    var isPossible = false
    prefixes.rows = values.map { value in
      let score = logProbability(value)
      isPossible = isPossible || score > -.infinity
      return score
    }
    if isPossible { prefixes.take() }
  }
}

/// What a model remembers of each node of the tree: it is computed once, when a text comes into the beam.
struct PrefixMemories<Memory: Sendable>: Sendable {
  private var memories: [Memory]

  init(start: Memory) { memories = [start] }

  /// Those of some hypotheses.
  func all(_ beam: [PrefixBeam.Live]) -> [Memory] { beam.map { memories[Int($0.node)] } }

  /// Computes them for the texts that came to the tree.
  mutating func remember(
    _ prefixes: PrefixBeam, _ extended: ([(prefix: Memory, token: Int)]) -> [Memory]
  ) {
    let grown = prefixes.grown
    guard !grown.isEmpty else { return }
    let tree = prefixes.tree
    let longer = extended(grown.map { (memories[Int(tree.parent($0))], tree.token($0)) })
    for (node, memory) in zip(grown, longer) {
      let place = Int(node)
      // Nodes are numbered in the order in which they were first needed.
      while memories.count <= place { memories.append(memory) }
      memories[place] = memory
    }
  }
}
