// How far texts fall short of what a streaming model's scores say: those that were said, those of other recordings, and those that a
// loop has lengthened. Two passes refuse a final text by this number.
//
//   guard-benchmark MODEL CHUNK_MS MANIFEST

import Foundation
import Glibc
import Sotto
import SottoAudio
import SottoDecoding
import SottoFeatures
import SottoKernels
import SottoModels

struct Line: Decodable {
  var audio: String
  var text: String
}

/// Pieces at the end of a text that a loop says again, and how often.
let (looped, repetitions) = (12, 3)

func samples(of path: String) throws -> [Float] {
  let source = try AudioInput(path).open(channels: .mix)
  var samples: [Float] = []
  while true {
    let piece = try source.read(count: 16_000)
    if piece.isEmpty { return samples }
    samples += piece
  }
}

func shortfalls(_ cases: [(tokens: [Int], scores: Matrix)]) -> String {
  let found = cases.compactMap { try? ForcedAlignment($0.tokens, to: $0.scores).shortfall }.sorted()
  guard !found.isEmpty else { return "none can be aligned" }
  let quantiles = [0, 0.01, 0.05, 0.5, 0.95, 0.99, 1].map { quantile in
    String(format: "%.2f", found[min(found.count - 1, Int(quantile * Double(found.count)))])
  }
  return quantiles.joined(separator: " | ") + " | \(cases.count - found.count)"
}

func run(modelPath: String, chunk: Int, manifest: URL) throws -> String {
  let model = try StreamingModel(path: modelPath)
  let lines = try String(contentsOf: manifest, encoding: .utf8).split(separator: "\n").map {
    try JSONDecoder().decode(Line.self, from: Data($0.utf8))
  }
  var scores: [Matrix] = []
  for line in lines {
    let path = manifest.deletingLastPathComponent().appendingPathComponent(line.audio).path
    let stream = try CTCStream(model.acoustic, chunkMilliseconds: chunk)
    let features = try LogMel(floor: .streaming)(samples(of: path))
    let (first, last) = (try stream.push(features), stream.finish())
    scores.append(
      Matrix(
        rows: first.rows + last.rows, columns: first.columns, elements: first.elements + last.elements))
  }
  let texts = lines.map { model.vocabulary.tokens($0.text) }
  // The next recording's text of about the same length, where there is one.
  let others: [[Int]] = texts.indices.map { place in
    let (own, count) = (texts[place].count, texts.count)
    let following = (1..<count).map { texts[(place + $0) % count] }
    return following.first { abs($0.count - own) * 5 <= own } ?? []
  }
  let loops: [[Int]] = texts.map { text in
    text + (0..<repetitions).flatMap { _ in Array(text.suffix(looped)) }
  }
  return """
    nats a piece: least | 1 % | 5 % | median | 95 % | 99 % | most | too long to be aligned
    texts that were said: \(shortfalls(Array(zip(texts, scores))))
    texts of other recordings: \(shortfalls(Array(zip(others, scores)).filter { !$0.0.isEmpty }))
    with \(repetitions * looped) looped pieces: \(shortfalls(Array(zip(loops, scores))))
    """
}

guard CommandLine.arguments.count == 4, let chunk = Int(CommandLine.arguments[2]) else {
  FileHandle.standardError.write(Data("usage: guard-benchmark MODEL CHUNK_MS MANIFEST\n".utf8))
  exit(2)
}
do {
  print(
    try run(
      modelPath: CommandLine.arguments[1], chunk: chunk,
      manifest: URL(fileURLWithPath: CommandLine.arguments[3])))
} catch {
  FileHandle.standardError.write(Data("guard-benchmark: \(error)\n".utf8))
  exit(1)
}
