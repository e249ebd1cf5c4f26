// The line of progress fits its terminal.

import Testing

@testable import SottoCLI

@Suite struct ProgressLineTests {
  private func line(_ width: Int, label: String = "[2/7] talk.wav", total: Double? = 1800) -> String {
    ProgressLine.text(label: label, done: 450, total: total, elapsed: 30, width: width)
  }

  @Test func everythingWhereThereIsRoom() {
    let bar = String(repeating: "█", count: 7) + String(repeating: "░", count: 23)
    #expect(line(120) == "[2/7] talk.wav   25%  7:30/30:00  15× real time  1:30 left  " + bar)
    #expect(line(120, total: nil) == "[2/7] talk.wav  7:30  15× real time")
  }

  @Test(arguments: 0...130)
  func neverWider(width: Int) {
    for label in ["a", "[2/7] talk.wav", String(repeating: "日本語", count: 40), "bad\u{1B}[2J\nname.wav"] {
      let text = line(width, label: label)
      #expect(text.columns <= max(width - 1, 0))
      #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control })
    }
  }

  @Test func strangeNumbers() {
    #expect(ProgressLine.clock(3599.9) == "59:59" && ProgressLine.clock(3600) == "1:00:00")
    #expect(ProgressLine.clock(.nan) == "0:00" && ProgressLine.clock(-.infinity) == "0:00")
    let odd = ProgressLine.text(label: "a.wav", done: .nan, total: .infinity, elapsed: 0, width: 80)
    #expect(odd == "a.wav  0:00")
  }
}
