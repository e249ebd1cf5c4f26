import Testing

@testable import SottoCLI
@testable import SottoModels

@Suite struct QuantizeCommandTests {
  @Test func tableListsTensorsAndTotals() {
    var report = QuantizationReport()
    report.entries = [
      .init(
        name: "decoder.embedding.weight", outputs: 100, inputs: 32, planes: [6, 4], rows: [20, 80],
        bitsPerWeight: 4.5,
        relativeError: 0.0123, outputError: nil),
      .init(
        name: "a.weight", outputs: 8, inputs: 16, planes: [3], rows: [8], bitsPerWeight: 3,
        relativeError: 0.25,
        outputError: 0.125),
    ]
    report.uncodedCount = 3328
    report.inputByteCount = 2_000_000
    report.outputByteCount = 1_250_000
    #expect(
      QuantizationTable(report).text == """
        tensor                     shape     planes  bits/weight   error  output error
        decoder.embedding.weight  100×32  6×20 4×80         4.50  0.0123             -
        a.weight                    8×16          3         3.00  0.2500        0.1250
        coded: 3328 weights at 4.44 bits; float16: 3328; all: 10.22 bits a weight
        file: 2.0 MB before, 1.2 MB after

        """)
  }

  @Test(arguments: [
    ["a"], ["a", "b", "--bits", "0"], ["a", "b", "--bits", "9"], ["a", "b", "--group", "100"],
    ["a", "b", "--group", "lines"], ["a", "b", "--threads", "-1"],
  ]) func wrongUsageIsRefused(_ arguments: [String]) {
    #expect(throws: (any Error).self) { try QuantizeCommand.parse(arguments) }
  }

  @Test func optionsAreRead() throws {
    let command = try QuantizeCommand.parse(["in", "out", "--bits", "3", "--group", "row"])
    #expect(command.bits == 3 && command.group == .row && command.input == "in" && command.output == "out")
  }
}
