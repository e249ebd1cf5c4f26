// Latency of a recogniser whose delays are known.

import SottoCompare
import Testing

@Suite struct ListeningTests {
  /// A recogniser that takes `cost` of computing for each piece of 0.1 s, shows each word `delay` after it was said (in audio), and ends
  /// `silence` after the last one.
  private static func listen(
    cost: Double, delay: Double, silence: Double, speech: [Range<Double>], until end: Double
  ) -> LiveMeasurement {
    var clock = 100.0
    let listening = SimulatedListening(speech: speech) { clock }
    var open = false
    for piece in 1...Int(end * 10) {
      let heard = Double(piece) / 10
      listening.take(until: heard) {
        clock += cost
        for stretch in speech {
          if abs(heard - (stretch.lowerBound + delay)) < 0.01 {
            listening.partial("word")
            open = true
          }
          if open, abs(heard - (stretch.upperBound + silence)) < 0.01 {
            listening.final("word another", end: stretch.upperBound - 0.07)
            open = false
          }
        }
        // What comes after the text is not waited for.
        clock += cost
      }
      // The time that the caller takes is not the recogniser's.
      clock += 5
    }
    return listening.result
  }

  private static func expect(_ values: [Double], _ wanted: [Double]) {
    #expect(
      values.count == wanted.count && zip(values, wanted).allSatisfy { abs($0 - $1) < 1e-6 }, "\(values)")
  }

  @Test func fasterThanRealTime() {
    let result = Self.listen(
      cost: 0.02, delay: 0.5, silence: 0.8, speech: [1.0..<3.0, 5.0..<6.0], until: 8)
    Self.expect(result.first, [0.52, 0.52])
    Self.expect(result.final, [0.82, 0.82])
    #expect(result.words == 4 && result.takenBack == 0)
  }

  @Test func slowerThanRealTimeFallsBehind() {
    // 0.16 s for each 0.1 s: after n pieces it is 0.06 n late, but for the half of the last piece that follows the text.
    let result = Self.listen(cost: 0.08, delay: 0.5, silence: 0.8, speech: [1.0..<3.0], until: 5)
    Self.expect(result.first, [0.1 + 15 * 0.16 - 0.08 - 1])
    Self.expect(result.final, [0.1 + 38 * 0.16 - 0.08 - 3.0])
  }

  @Test func revisionsAreCounted() {
    let listening = SimulatedListening(speech: [0..<1]) { 0 }
    listening.take(until: 0.5) {
      listening.partial("The cat,")
      listening.partial("the cat")
      listening.partial("the cat sat on")
      listening.partial("the cap sat on")
      listening.partial("the cap")
    }
    #expect(!listening.isSettled)
    listening.take(until: 1.5) { listening.final("the cap sad", end: nil) }
    #expect(listening.isSettled)
    // "cat sat on" once, "sat on" once.
    #expect(listening.result.takenBack == 5 && listening.result.words == 3)
  }

  @Test func textOutOfNothingHasNoFirstLatency() {
    let listening = SimulatedListening(speech: []) { 0 }
    listening.take(until: 2) { listening.final("hm", end: 1) }
    #expect(listening.result.first.isEmpty && listening.result.final == [0])
  }

  @Test func quantiles() throws {
    let values = try #require(Quantiles((0...100).map(Double.init).shuffled()))
    #expect(values.median == 50 && values.p95 == 95 && values.p99 == 99 && values.count == 101)
    // numpy.percentile([1, 2, 4, 8], [50, 95, 99]).
    let four = try #require(Quantiles([8, 1, 4, 2]))
    #expect(four.median == 3 && abs(four.p95 - 7.4) < 1e-12 && abs(four.p99 - 7.88) < 1e-12)
    #expect(Quantiles([]) == nil)
  }

  @Test func wholeRecordings() {
    let live = LiveMeasurement(recording: 5, computing: 0.5, speech: [1..<2, 3..<4.5])
    #expect(live.first == [4.5] && live.final == [1] && live.words == 0)
    #expect(LiveMeasurement(recording: 5, computing: 0.5, speech: []).final.isEmpty)
  }
}
