// The map of confidences: rising, within 0...1, and with the ends where they were.

import Testing

@testable import Sotto

@Suite struct WordCalibrationTests {
  @Test func map() {
    let map = WordCalibration(slope: 0.5, offset: 1)
    #expect(map(0) == 0 && map(1) == 1)
    // ln(0.8 / 0.2) / 2 + 1 is ln(2e); 2e / (2e + 1).
    #expect(abs(map(0.8) - 5.436_563_657 / 6.436_563_657) < 1e-9)
    for map in [map, .attention] {
      let values = (0...1000).map { map(Double($0) / 1000) }
      #expect(zip(values, values.dropFirst()).allSatisfy { $0 < $1 })
      #expect(values.allSatisfy { (0...1).contains($0) })
    }
    #expect(map(-1) == 0 && map(2) == 1)
  }
}
