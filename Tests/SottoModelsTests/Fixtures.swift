// Model files for the tests: one written by Python's safetensors, and a way to make damaged ones.

import Foundation

@testable import SottoModels

/// A folder that goes away with the object.
final class TemporaryFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("sotto-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = "\(path)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  var contents: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

enum Fixture {
  /// A valid configuration of a tiny model.
  static let configuration = """
    {"format":1,"name":"test","family":"attention","licence":"MIT","source":"none",
    "features":{"sampleRate":16000,"windowLength":400,"hop":160,"melBands":80},
    "encoder":{"layers":1,"width":8,"heads":2,"feedForward":16,"positions":1500,"window":30},
    "decoder":{"layers":1,"width":8,"heads":2,"feedForward":16,"positions":448,"alignmentHeads":[[0,1]]},
    "vocabulary":{"size":12,"endOfText":1,"startOfTranscript":2,"startOfPrevious":3,"noSpeech":4,"noTimestamps":5,"firstTimestamp":6,"suppressed":[7],"suppressedAtStart":[]}}
    """

  /// A valid configuration of a tiny streaming model.
  static let streaming = """
    {"format":1,"name":"test","family":"ctc","licence":"MIT","source":"none",
    "features":{"sampleRate":16000,"windowLength":400,"hop":160,"melBands":80,"floor":-6.5},
    "encoder":{"layers":1,"width":8,"heads":2,"feedForward":16,"positions":1500},
    "streaming":{"chunks":[16,32,64],"chunk":32,"left":256},"recurrent":{"stack":2,"layers":2,"width":8},
    "vocabulary":{"size":12}}
    """

  /// Written by Python's safetensors 0.8.0 (`safetensors.numpy.save`), with the tensors
  /// a.half F16 [2, 3] = 1, -2.5, 2^-14, 2^-24, 65504, -0; b.float F32 [2] = 0.1, -3e38; c.bytes U8 [5] = 0...4;
  /// d.offsets U32 [3] = 0, 2, 5; e.empty F32 [0, 3].
  static let golden: [UInt8] = Array(
    Data(
      base64Encoded: """
        8AMAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJub3RlIjoiYnkgUHl0aG9uIiwic290dG8iOiJ7XCJmb3JtYXRcIjogMSwgXCJu
        YW1lXCI6IFwidGVzdFwiLCBcImZhbWlseVwiOiBcImF0dGVudGlvblwiLCBcImxpY2VuY2VcIjogXCJNSVRcIiwgXCJzb3Vy
        Y2VcIjogXCJub25lXCIsIFwiZmVhdHVyZXNcIjoge1wic2FtcGxlUmF0ZVwiOiAxNjAwMCwgXCJ3aW5kb3dMZW5ndGhcIjog
        NDAwLCBcImhvcFwiOiAxNjAsIFwibWVsQmFuZHNcIjogODB9LCBcImVuY29kZXJcIjoge1wibGF5ZXJzXCI6IDEsIFwid2lk
        dGhcIjogOCwgXCJoZWFkc1wiOiAyLCBcImZlZWRGb3J3YXJkXCI6IDE2LCBcInBvc2l0aW9uc1wiOiAxNTAwLCBcIndpbmRv
        d1wiOiAzMH0sIFwiZGVjb2RlclwiOiB7XCJsYXllcnNcIjogMSwgXCJ3aWR0aFwiOiA4LCBcImhlYWRzXCI6IDIsIFwiZmVl
        ZEZvcndhcmRcIjogMTYsIFwicG9zaXRpb25zXCI6IDQ0OCwgXCJhbGlnbm1lbnRIZWFkc1wiOiBbWzAsIDFdXX0sIFwidm9j
        YWJ1bGFyeVwiOiB7XCJzaXplXCI6IDEyLCBcImVuZE9mVGV4dFwiOiAxLCBcInN0YXJ0T2ZUcmFuc2NyaXB0XCI6IDIsIFwi
        c3RhcnRPZlByZXZpb3VzXCI6IDMsIFwibm9TcGVlY2hcIjogNCwgXCJub1RpbWVzdGFtcHNcIjogNSwgXCJmaXJzdFRpbWVz
        dGFtcFwiOiA2LCBcInN1cHByZXNzZWRcIjogWzddLCBcInN1cHByZXNzZWRBdFN0YXJ0XCI6IFtdfX0ifSwiYi5mbG9hdCI6
        eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzAsOF19LCJlLmVtcHR5Ijp7ImR0eXBlIjoiRjMy
        Iiwic2hhcGUiOlswLDNdLCJkYXRhX29mZnNldHMiOls4LDhdfSwiZC5vZmZzZXRzIjp7ImR0eXBlIjoiVTMyIiwic2hhcGUi
        OlszXSwiZGF0YV9vZmZzZXRzIjpbOCwyMF19LCJhLmhhbGYiOnsiZHR5cGUiOiJGMTYiLCJzaGFwZSI6WzIsM10sImRhdGFf
        b2Zmc2V0cyI6WzIwLDMyXX0sImMuYnl0ZXMiOnsiZHR5cGUiOiJVOCIsInNoYXBlIjpbNV0sImRhdGFfb2Zmc2V0cyI6WzMy
        LDM3XX19ICDNzMw95rFh/wAAAAACAAAABQAAAAA8AMEABAEA/3sAgAABAgME
        """, options: .ignoreUnknownCharacters) ?? Data())

  /// A file from a header's JSON and data.
  static func safetensors(_ json: String, data: [UInt8] = []) -> [UInt8] {
    withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { Array($0) } + Array(json.utf8) + data
  }

  /// A file with the given tensor entries (JSON, without braces), data, and configuration.
  static func model(
    _ entries: String, data: [UInt8] = [], configuration: String = Fixture.configuration
  ) -> [UInt8] {
    let quoted = String(decoding: (try? JSONEncoder().encode(configuration)) ?? Data(), as: UTF8.self)
    return safetensors(
      "{\"__metadata__\":{\"sotto\":\(quoted)}\(entries.isEmpty ? "" : ",")\(entries)}", data: data)
  }
}
