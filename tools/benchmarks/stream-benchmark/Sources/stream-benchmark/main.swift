// Feeds hours of speech to a streaming model, faster than real time, and reports what it cost: time of each chunk, memory
// from hour to hour, and whether a long stream has the words of its parts.
//
//   stream-benchmark MODEL CHUNK_MS HOURS RECORDING...

import Foundation
import Glibc
import Sotto
import SottoAudio

guard CommandLine.arguments.count >= 5, let chunk = Int(CommandLine.arguments[2]),
  let hours = Double(CommandLine.arguments[3]), hours > 0
else {
  FileHandle.standardError.write(Data("usage: stream-benchmark MODEL CHUNK_MS HOURS RECORDING...\n".utf8))
  exit(2)
}

do {
  let benchmark = try StreamBenchmark(
    modelPath: CommandLine.arguments[1], chunk: chunk,
    recordings: CommandLine.arguments[4...].map { try StreamBenchmark.samples(of: $0) })
  print(try benchmark.run(hours: hours))
} catch {
  FileHandle.standardError.write(Data("stream-benchmark: \(error.localizedDescription)\n".utf8))
  exit(1)
}
