// The recordings one after another, with pauses between them, as one stream.

import CHeap
import Foundation
import Glibc
import Sotto
import SottoAudio

struct StreamBenchmark {
  let model: StreamingModel
  let chunk: Int
  let options: RecognitionStream.Options
  let recordings: [[Float]]

  /// A device's period: 10 ms.
  private static let piece = 160
  private static let pause = [Float](repeating: 0, count: 48_000)
  private static let secondsAtATime = 600.0

  init(modelPath: String, chunk: Int, recordings: [[Float]]) throws {
    model = try StreamingModel(path: modelPath)
    var options = RecognitionStream.Options()
    options.chunkMilliseconds = chunk
    self.chunk = chunk
    self.options = options
    self.recordings = recordings
  }

  static func samples(of path: String) throws -> [Float] {
    let source = try AudioInput(path).open(channels: .mix)
    var samples: [Float] = []
    while true {
      let piece = try source.read(count: 16_000)
      if piece.isEmpty {
        // Whole frames, so that each recording has the same frames alone and after others.
        return samples + [Float](repeating: 0, count: (160 - samples.count % 160) % 160)
      }
      samples += piece
    }
  }

  /// One line a stretch of ten minutes, and the sums.
  func run(hours: Double) throws -> String {
    let alone = try recordings.map { recording in
      let stream = try RecognitionStream(model, options: options)
      return try text(stream.accept(Self.pause + recording + Self.pause) + stream.finish())
    }
    let stream = try RecognitionStream(model, options: options)
    var report = [
      "audio h | CPU of real time | median, 99 % and longest ms a chunk | resident MB | allocated MB"
    ]
    // A pause lies before each recording, the first as well.
    _ = try stream.accept(Self.pause)
    var (fed, different, count) = (Self.pause.count, 0, 0)
    var times: [Double] = []
    var all: [Double] = []
    var cpu = Self.processorTime()
    let start = cpu
    var reportAt = Self.secondsAtATime
    while Double(fed) / 16_000 < hours * 3600 {
      let recording = recordings[count % recordings.count] + Self.pause
      var events: [RecognitionEvent] = []
      for first in stride(from: 0, to: recording.count, by: Self.piece) {
        let piece = Array(recording[first..<min(first + Self.piece, recording.count)])
        let began = Self.monotonicTime()
        events += try stream.accept(piece)
        times.append(Self.monotonicTime() - began)
      }
      let (here, alone) = (text(events), alone[count % recordings.count])
      if here != alone {
        different += 1
        report.append("recording \(count + 1) alone: \(alone)\n  in the stream: \(here)")
      }
      fed += recording.count
      count += 1
      let seconds = Double(fed) / 16_000
      if seconds >= reportAt || seconds >= hours * 3600 {
        let now = Self.processorTime()
        // The calls that completed a chunk are by far the longest.
        let chunks = Self.longest(times, Int(seconds - reportAt + Self.secondsAtATime) * 1000 / chunk)
        all += chunks
        let share = (now - cpu) / (seconds - reportAt + Self.secondsAtATime)
        report.append(line(seconds, share, chunks))
        (cpu, times, reportAt) = (now, [], seconds + Self.secondsAtATime)
      }
    }
    let seconds = Double(fed) / 16_000
    report.append("all: " + line(seconds, (Self.processorTime() - start) / seconds, all))
    report.append("\(count) recordings in one stream, \(different) with other words than alone")
    return report.joined(separator: "\n")
  }

  private func text(_ events: [RecognitionEvent]) -> String {
    events.compactMap { if case .final(let segment, _) = $0 { segment.text } else { nil } }.joined(
      separator: " ")
  }

  private func line(_ seconds: Double, _ share: Double, _ chunks: [Double]) -> String {
    let sorted = chunks.sorted()
    func quantile(_ q: Double) -> String {
      String(
        format: "%.1f",
        1000 * (sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(q * Double(sorted.count)))]))
    }
    let times = "\(quantile(0.5)), \(quantile(0.99)), \(quantile(1))"
    let memory = String(
      format: "%.1f | %.2f", Double(Self.residentBytes()) / 1e6, Double(heap_allocated_bytes()) / 1e6)
    return String(format: "%.2f | %.4f", seconds / 3600, share) + " | \(times) | \(memory)"
  }

  private static func longest(_ times: [Double], _ count: Int) -> [Double] {
    Array(times.sorted(by: >).prefix(max(count, 1))).filter { $0 > 1e-3 }
  }

  private static func monotonicTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private static func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private static func residentBytes() -> Int {
    let fields =
      (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
    return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * sysconf(Int32(_SC_PAGESIZE))
  }
}
