// What calibration measures, and keeps.

import Foundation
import SottoAudio
import SottoKernels
import SottoTestSupport
import Testing

@testable import Sotto
@testable import SottoModels

@Suite struct SecondMomentsTests {
  private static let path = TestSignal.goldenPath("random-stream.safetensors")

  @Test func whatIsKeptIsWhatWasMeasured() throws {
    let samples = try TestSignal.samples("speech.s16")
    let measured = try SecondMoments.measure(modelPath: Self.path, recordings: 1, threads: 1) { _ in
      SampleSource(samples: samples)
    }
    // Convolutions, too, as matrices over three frames.
    let model = try ModelFile(path: Self.path)
    let bands = model.configuration.features.melBands
    let first = try #require(measured["encoder.conv1.weight"])
    #expect(first.rows == 3 * bands && first.columns == 3 * bands)
    for row in 0..<first.rows { #expect(first[row, row] > 0 && first[row, 0] == first[0, row]) }

    let folder = FileManager.default.temporaryDirectory.appending(path: "sotto-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "moments").path
    try SecondMoments.write(measured, of: model, to: file)
    let read = try SecondMoments.read(file, of: model)
    #expect(read.keys.sorted() == measured.keys.sorted())
    #expect(read.allSatisfy { name, matrix in matrix.elements == measured[name]?.elements })

    let other = try ModelFile(path: TestSignal.goldenPath("random-rnnt.safetensors"))
    #expect(throws: ModelError.self) { try SecondMoments.read(file, of: other) }
    #expect(throws: ModelError.self) { try SecondMoments.read(Self.path, of: model) }
  }
}
