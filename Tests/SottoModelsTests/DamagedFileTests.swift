import Foundation
import Testing

@testable import SottoModels

@Suite struct DamagedFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  struct Damage: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var bytes: [UInt8]
    /// Part of the message.
    var message: String

    init(_ name: String, _ bytes: [UInt8], _ message: String) {
      (testDescription, self.bytes, self.message) = (name, bytes, message)
    }

    static func entry(_ entry: String, _ message: String, data: Int = 4) -> Damage {
      Damage(entry, Fixture.model(entry, data: [UInt8](repeating: 0, count: data)), message)
    }

    static func configuration(_ old: String, _ new: String, _ message: String) -> Damage {
      let text = Fixture.configuration.replacingOccurrences(of: old, with: new)
      return Damage(new, text == Fixture.configuration ? [] : Fixture.model("", configuration: text), message)
    }

    static func streaming(_ old: String, _ new: String, _ message: String) -> Damage {
      let text = Fixture.streaming.replacingOccurrences(of: old, with: new)
      return Damage(new, text == Fixture.streaming ? [] : Fixture.model("", configuration: text), message)
    }
  }

  static let golden = Fixture.golden
  static let container: [Damage] = [
    Damage("empty", [], "the file is empty"),
    Damage("short", Array(golden[..<5]), "cut short in its header"),
    Damage("header cut", Array(golden[..<100]), "cut short in its header"),
    Damage("data cut", Array(golden[..<(golden.count - 1)]), "“c.bytes”: the file is cut short"),
    Damage("surplus", golden + [0], "1 bytes at its end"),
    Damage("text", Array("This is a text, not a model.".utf8), "does not start with a safetensors header"),
    Damage("huge header", [UInt8](repeating: 255, count: 8) + Array("{}".utf8), "its header claims"),
    Damage("not JSON", Fixture.safetensors("{\"a\":"), "not valid JSON"),
    Damage("array", Fixture.safetensors("{[]}"), "not valid JSON"),
    Damage("metadata", Fixture.safetensors(#"{"__metadata__":{"sotto":1}}"#), "not a map of strings"),
    Damage("no configuration", Fixture.safetensors("{}"), "no sotto configuration"),
    .entry(#""w":{"dtype":"F17","shape":[1],"data_offsets":[0,4]}"#, "“w”: its element type is not known"),
    .entry(#""w":{"dtype":"F32","data_offsets":[0,4]}"#, "“w”: its entry in the header is malformed"),
    .entry(#""w":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}"#, "“w”: its entry"),
    .entry(#""w":{"dtype":"F32","shape":[1e30],"data_offsets":[0,4]}"#, "“w”: its entry"),
    .entry(#""w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}"#, "“w”: its shape [-1] is impossible"),
    .entry(#""w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}"#, "is impossible"),
    .entry(#""w":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,4]}"#, "is impossible"),
    .entry(#""w":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}"#, "is impossible"),
    .entry(
      #""w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}"#, "it has 4 bytes where its shape [2] of F32"),
    .entry(#""w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}"#, "its place in the file"),
    .entry(#""w":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}"#, "its place in the file"),
    .entry(#""w":{"dtype":"F32","shape":[1],"data_offsets":[0]}"#, "its place in the file"),
    .entry(
      #""w":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775803,9223372036854775807]}"#,
      "cut short"),
    .entry(#""w":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}"#, "there is a gap"),
    .entry(
      #""v":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"w":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}"#,
      "overlap"),
  ]

  static let configurations: [Damage] = [
    .configuration("\"format\":1", "\"format\":2", "format 2; this version of sotto reads up to 1"),
    .configuration("\"format\":1", "\"format\":0", "not valid: format 0"),
    .configuration("\"format\":1,", "", "“format” is missing"),
    .configuration("{\"format\"", "\"format\"", "not valid JSON"),
    .configuration("\"attention\"", "\"telepathy\"", "“family” has an unknown value"),
    .configuration("\"melBands\":80", "\"melBands\":\"80\"", "“features.melBands” has a wrong type"),
    .configuration("\"melBands\":80", "\"melBands\":0", "0 mel bands"),
    .configuration("\"hop\":160", "\"hop\":0", "hop of 0"),
    .configuration("\"sampleRate\":16000", "\"sampleRate\":-16000", "sample rate -16000"),
    .configuration("\"heads\":2", "\"heads\":3", "3 heads"),
    .configuration("\"layers\":1", "\"layers\":1000000", "1000000 layers"),
    .configuration("\"width\":8", "\"width\":9223372036854775807", "of width 9223372036854775807"),
    .configuration("\"feedForward\":16", "\"feedForward\":-1", "feed-forward width -1"),
    .configuration("\"positions\":1500", "\"positions\":100", "100 positions"),
    .configuration("\"layers\":1", "\"layers\":1e30", "out of range"),
    .configuration("\"window\":30", "\"window\":1e300", "window of 1e+300 s"),
    .configuration(",\"window\":30", "", "“encoder.window” is missing"),
    .configuration("\"endOfText\":1,", "", "“vocabulary.endOfText” is missing"),
    .configuration("[[0,1]]", "[[0,2]]", "alignment head [0, 2]"),
    .configuration("[[0,1]]", "[[0]]", "alignment head [0]"),
    .configuration("\"size\":12", "\"size\":6", "token 6 in a vocabulary of 6"),
    .configuration("\"suppressed\":[7]", "\"suppressed\":[-1]", "token -1"),
    .configuration(
      "{\"format\":1",
      #"{"quantization":{"w":{"planes":[9],"rows":[1],"inputs":8,"group":8,"calibrated":false,"relativeError":0}},"#
        + "\"format\":1", "coding of the tensor “w”"),
  ]

  static let streams: [Damage] = [
    .streaming("\"ctc\"", "\"attention\"", "“decoder” is missing"),
    .streaming(
      "\"streaming\":{\"chunks\":[16,32,64],\"chunk\":32,\"left\":256},", "", "“streaming” is missing"),
    .streaming("\"recurrent\":{\"stack\":2,\"layers\":2,\"width\":8},", "", "“recurrent” is missing"),
    .streaming(",\"floor\":-6.5", "", "“features.floor” is missing"),
    .streaming("-6.5", "1e9", "floor of the features"),
    .streaming("\"positions\":1500", "\"positions\":1500,\"window\":30", "a window in a streaming encoder"),
    .streaming("\"chunk\":32", "\"chunk\":31", "chunk 31, which is none of [16, 32, 64]"),
    .streaming("[16,32,64]", "[]", "chunks []"),
    .streaming("[16,32,64]", "[32,16]", "chunks [32, 16]"),
    .streaming("[16,32,64]", "[0,32]", "chunks [0, 32]"),
    .streaming("[16,32,64]", "[32,9223372036854775807]", "chunks"),
    .streaming("[16,32,64]", "[31,32]", "chunks [31, 32] in stacks of 2"),
    .streaming("\"left\":256", "\"left\":-1", "-1 frames before a chunk"),
    .streaming("\"left\":256", "\"left\":1e9", "1000000000 frames before a chunk"),
    .streaming("\"left\":256", "\"left\":256,\"lookahead\":-1", "-1 frames after a chunk"),
    .streaming("\"stack\":2", "\"stack\":0", "stack of 0 states"),
    .streaming("\"layers\":2", "\"layers\":65", "65 recurrent layers"),
    .streaming("\"layers\":2,\"width\":8", "\"layers\":2,\"width\":0", "recurrent width 0"),
    .streaming("\"width\":8,\"heads\":2", "\"width\":7,\"heads\":1", "odd width 7"),
    .streaming("\"size\":12", "\"size\":1", "vocabulary of 1 tokens"),
  ]

  @Test(arguments: container + configurations + streams) func isRefused(_ damage: Damage) throws {
    let path = try folder.file("damaged", damage.bytes)
    let error = #expect(throws: ModelError.self) { try ModelFile(path: path) }
    let message = error?.description ?? ""
    #expect(message.contains(damage.message) && message.hasPrefix(path), "\(message)")
  }

  @Test func thatIsNoFileIsRefused() throws {
    let pipe = "\(folder.path)/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    for (path, message) in [
      ("\(folder.path)/none", "No such file"), (folder.path, "a folder"), (pipe, "not a regular file"),
    ] {
      let error = #expect(throws: ModelError.self) { try ModelFile(path: path) }
      #expect(error?.description.contains(message) == true)
    }
  }

  /// A damaged byte may make another valid file, or an error; it must never trap or reach outside.
  @Test func survivesAnyByte() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      var bytes = Fixture.golden
      let position = Int.random(in: 0..<bytes.count, using: &random)
      let value = UInt8.random(in: 0...255, using: &random)
      bytes[position] = value
      let path = try folder.file("mutated", bytes)
      do {
        let file = try ModelFile(path: path)
        for name in file.tensorNames {
          let tensor = try file.tensor(name)
          _ = try? file.floats(tensor)
          #expect(tensor.count == elementCount(tensor.shape), "byte \(position) set to \(value)")
        }
      } catch is ModelError {}
    }
  }
}
