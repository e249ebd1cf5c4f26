// The live line of `sotto listen`.

import SottoAudio
import Testing

@testable import SottoCLI

@Suite struct LiveLineTests {
  private func line(_ committed: String, _ volatile: String, width: Int) -> String {
    var line = LiveLine()
    (line.state, line.level, line.committed, line.volatile) = (.speech, -30, committed, volatile)
    return line.text(width: width)
  }

  @Test func meterStateAndWords() {
    #expect(line("one two", "three", width: 60) == "████···· speech    one two\u{1B}[2m three\u{1B}[22m")
    #expect(line("", "three", width: 60) == "████···· speech    \u{1B}[2mthree\u{1B}[22m")
    #expect(line("", "", width: 60) == "████···· speech   ")
  }

  @Test func theEndOfWhatIsTooLong() {
    #expect(line("one two three", "four", width: 12) == "…three\u{1B}[2m four\u{1B}[22m")
    #expect(line("one", "two three four", width: 8) == "\u{1B}[2m…e four\u{1B}[22m")
    #expect(line("一二三四", "五六", width: 10) == "…四\u{1B}[2m 五六\u{1B}[22m")
  }

  @Test(arguments: Array(0...100)) func neverWiderThanTheTerminal(width: Int) {
    for text in ["", "word", "一二三四五六七八九十百千", "e\u{301}a\u{308} 👩‍👩‍👧 ❤️ and more of it", "a\nb\tc\u{1B}[31m"] {
      let shown = line(text, text + text, width: width)
      #expect(shown.withoutStyle.columns <= max(width - 1, 0))
      #expect(!shown.withoutStyle.contains { $0.isControl })
    }
  }

  @Test func meter() {
    #expect(LiveLine.meter(LevelMeter.floor, cells: 4) == "····")
    #expect(LiveLine.meter(0, cells: 4) == "████" && LiveLine.meter(9, cells: 4) == "████")
    #expect(LiveLine.meter(-30 - 60.0 / 16, cells: 4) == "█▊··")
    #expect(LiveLine.meter(.nan, cells: 2) == "··")
  }
}
