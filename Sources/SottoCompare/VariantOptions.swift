// What can be chosen of a model, beside its name.

import SottoDecoding

/// Settings of one variant; nil is the program's default.
public struct VariantOptions: Sendable, Hashable, Codable {
  /// Hypotheses kept by the search.
  public var beam: Int?
  /// Milliseconds that a streaming model hears at once.
  public var chunk: Int?
  /// Language model: a path; `none`; nil or `default` for the one beside the model.
  public var lm: String?
  /// Of the second pass; `lm` says it, too, as FIRST+SECOND.
  public var secondPassLM: String?
  public var lmWeight: Double?
  public var lmBonus: Double?
  /// Phrase to listen for, or a file of them.
  public var bias: String?
  public var biasWeight: Double?
  public var endpoint: Endpointing.Preset?
  /// Rules over those of the preset, with `+` between them.
  public var endpointRules: String?
  /// Seconds of silence that end an utterance, in place of the preset's.
  public var pause: Double?
  public var fullWindow: Bool?
  public var carryText: Bool?
  /// Heard as it would be live; streaming models always are.
  public var live: Bool?
  /// Planes of binary coding that a model of floats is quantized to first.
  public var bits: Int?
  public var threads: Int?

  public init() {}

  /// How options are written.
  static let names = [
    "beam", "chunk", "lm", "lm-weight", "lm-bonus", "bias", "bias-weight", "endpoint", "endpoint-rules",
    "pause",
    "full-window", "carry-text", "live", "bits", "threads",
  ]

  /// Sets an option as it is written.
  ///
  /// - Throws: `ComparisonError.specification`.
  mutating func set(_ name: String, _ value: String?) throws(ComparisonError) {
    switch name {
    case "beam": beam = try Self.integer(name, value, in: 1...100)
    case "chunk": chunk = try Self.integer(name, value, in: 1...60_000)
    case "lm": lm = try Self.text(name, value)
    case "lm-weight": lmWeight = try Self.number(name, value)
    case "lm-bonus": lmBonus = try Self.number(name, value)
    case "bias": bias = try Self.text(name, value)
    case "bias-weight": biasWeight = try Self.number(name, value)
    case "endpoint-rules": endpointRules = try Self.text(name, value)
    case "endpoint":
      let text = try Self.text(name, value)
      guard let preset = Endpointing.Preset(rawValue: text) else {
        let all = Endpointing.Preset.allCases.map(\.rawValue)
        throw .specification("endpoint=\(text): one of \(all.joined(separator: ", "))")
      }
      endpoint = preset
    case "pause":
      let seconds = try Self.number(name, value)
      guard (0.1...60).contains(seconds) else {
        throw .specification("pause=\(seconds): from 0.1 to 60 seconds")
      }
      pause = seconds
    case "full-window": fullWindow = try Self.flag(name, value)
    case "carry-text": carryText = try Self.flag(name, value)
    case "live": live = try Self.flag(name, value)
    case "bits": bits = try Self.integer(name, value, in: 1...8)
    case "threads": threads = try Self.integer(name, value, in: 0...1024)
    default:
      let hint = NearestNames.hint(name, among: Self.names)
      throw .specification(
        "no option “\(name)”\(hint.isEmpty ? "; there are \(Self.names.joined(separator: ", "))" : hint)")
    }
  }

  private static func text(_ name: String, _ value: String?) throws(ComparisonError) -> String {
    guard let value, !value.isEmpty else { throw .specification("\(name) needs a value: \(name)=…") }
    return value
  }

  private static func integer(
    _ name: String, _ value: String?, in range: ClosedRange<Int>
  ) throws(ComparisonError) -> Int {
    let text = try text(name, value)
    guard let number = Int(text), range.contains(number) else {
      throw .specification("\(name)=\(text): a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  private static func number(_ name: String, _ value: String?) throws(ComparisonError) -> Double {
    let text = try text(name, value)
    guard let number = Double(text), abs(number) <= 1000 else {
      throw .specification("\(name)=\(text): not a number")
    }
    return number
  }

  private static func flag(_ name: String, _ value: String?) throws(ComparisonError) -> Bool {
    switch value {
    case nil, "yes", "true", "1": true
    case "no", "false", "0": false
    case .some(let text): throw .specification("\(name)=\(text): yes or no")
    }
  }
}
