// What a stream says of samples.

@testable import Sotto

extension SpeechStream {
  /// All events of samples that come in pieces, the stream's end included.
  func events(of samples: [Float], pieces: Int) throws -> [RecognitionEvent] {
    var events: [RecognitionEvent] = []
    for first in stride(from: 0, to: samples.count, by: pieces) {
      events += try accept(Array(samples[first..<min(first + pieces, samples.count)]))
    }
    return events + (try finish())
  }
}

func finals(_ events: [RecognitionEvent]) -> [Segment] {
  events.compactMap { if case .final(let segment, _) = $0 { segment } else { nil } }
}
