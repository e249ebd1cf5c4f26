// Which tensors of a model are coded, and how.

import Foundation

/// Rules for the tensors of a model, by patterns of their names; the first rule that matches a tensor holds. Only
/// matrices are coded, convolutions as matrices: norms, biases and tensors without a rule stay in float16.
///
/// As JSON, a list of rules:
///
///     [
///       {"pattern": "decoder.embedding.weight", "bits": 4, "group": "row",
///        "center_columns": true, "scale_columns": true,
///        "bits_by_frequency": [{"rows": 2000, "bits": 6}, {"rows": 14000, "bits": 5}, {"rows": null, "bits": 4}],
///        "counts": "counts.txt"},
///       {"pattern": "decoder.*.weight", "bits": 5, "group": 128},
///       {"pattern": "*.weight", "bits": 4, "group": 128}
///     ]
public struct QuantizationRecipe: Sendable, Hashable {
  /// `bits` that mean "leave it in float16".
  public static let unquantized = 16

  public struct Rule: Sendable, Hashable, Codable {
    /// Name of the tensors: `*` stands for any characters, `?` for one.
    public var pattern: String
    /// Planes, 1 to 8; 16 leaves the tensor in float16.
    public var bits: Int
    /// Inputs that share scales; whole rows where there is none.
    public var group: Group?
    /// Take the mean out of each column.
    public var centersColumns: Bool?
    /// Even out the spread of columns.
    public var scalesColumns: Bool?
    /// More planes for some rows: the most frequent `rows` get the first number of bits, and so on; the last has no
    /// `rows` and takes those that are left.
    public var bitsByFrequency: [FrequencyClass]?
    /// Damping of the second moments (`QuantizationSettings.damping`).
    public var damping: Float?
    /// How much of what rows lose along themselves is given back, 0 to 1 (`QuantizationSettings.restoration`).
    public var restoration: Float?
    /// File with the count of each row, a number a line, from the recipe's folder. Without it rows count as sorted by
    /// frequency already, as the ids of byte pair merges are.
    public var counts: String?

    enum CodingKeys: String, CodingKey {
      case pattern, bits, group, damping, restoration, counts
      case centersColumns = "center_columns"
      case scalesColumns = "scale_columns"
      case bitsByFrequency = "bits_by_frequency"
    }

    public init(pattern: String, bits: Int, group: Group? = nil) {
      self.pattern = pattern
      self.bits = bits
      self.group = group
    }
  }

  public struct FrequencyClass: Sendable, Hashable, Codable {
    public var rows: Int?
    public var bits: Int

    public init(rows: Int?, bits: Int) {
      self.rows = rows
      self.bits = bits
    }
  }

  /// A number of inputs, or `row`.
  public enum Group: Sendable, Hashable, Codable {
    case row
    case inputs(Int)

    /// - Returns: nil where the text is neither `row` nor a multiple of 8.
    public init?(_ text: String) {
      if text == "row" {
        self = .row
      } else if let count = Int(text), count > 0, count % 8 == 0 {
        self = .inputs(count)
      } else {
        return nil
      }
    }

    public init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      let text = try (try? container.decode(Int.self)).map(String.init) ?? container.decode(String.self)
      guard let group = Group(text) else {
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "neither row nor a multiple of 8")
      }
      self = group
    }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .row: try container.encode("row")
      case .inputs(let count): try container.encode(count)
      }
    }
  }

  public var rules: [Rule]
  /// Whether each rule must match a tensor: one that matches none is a mistake in a recipe written for a model.
  public var needsAllRules = true
  /// Counts of rows, by the name in `Rule.counts`.
  public var counts: [String: [Double]] = [:]

  public init(rules: [Rule]) { self.rules = rules }

  /// The same number of planes for all matrices of a model; an embedding with its columns centred and scaled.
  public init(bits: Int, group: Group) {
    needsAllRules = false
    var embedding = Rule(pattern: "*embedding.weight", bits: bits, group: group)
    embedding.centersColumns = true
    embedding.scalesColumns = true
    rules = [embedding, Rule(pattern: "*.weight", bits: bits, group: group)]
  }

  /// Reads a recipe and the files that it names.
  ///
  /// - Throws: `ModelError.quantization` where it cannot be read or makes no sense.
  public init(path: String) throws {
    let url = URL(fileURLWithPath: path)
    do {
      rules = try JSONDecoder().decode([Rule].self, from: Data(contentsOf: url))
    } catch let error as DecodingError {
      throw ModelError.quantization(reason: "\(path): not a recipe: \(Self.text(of: error))")
    } catch {
      throw ModelError.quantization(reason: "\(path): cannot read the recipe")
    }
    for name in Set(rules.compactMap(\.counts)) {
      let file = url.deletingLastPathComponent().appendingPathComponent(name)
      guard let text = try? String(contentsOf: file, encoding: .utf8) else {
        throw ModelError.quantization(reason: "\(file.path): cannot read the counts that the recipe names")
      }
      counts[name] = try text.split(whereSeparator: \.isNewline).enumerated().map { line, text in
        guard let count = Double(text.trimmingCharacters(in: .whitespaces)), count.isFinite else {
          throw ModelError.quantization(reason: "\(file.path): line \(line + 1) is not a number")
        }
        return count
      }
    }
    try check(path)
  }

  private static func text(of error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
      "“\(key.stringValue)” is missing in rule \((context.codingPath.first?.intValue ?? 0) + 1)"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      context.codingPath.isEmpty
        ? "it is not a JSON list of rules"
        : "“\(context.codingPath.dropFirst().map(\.stringValue).joined(separator: "."))” in rule "
          + "\((context.codingPath.first?.intValue ?? 0) + 1) has a wrong value"
    @unknown default: "it is not a JSON list of rules"
    }
  }

  /// - Parameter source: what the message of an error begins with.
  func check(_ source: String = "recipe") throws {
    for (index, rule) in rules.enumerated() {
      func wrong(_ reason: String) -> ModelError {
        .quantization(reason: "\(source): rule \(index + 1) (“\(rule.pattern)”): \(reason)")
      }
      guard (1...8).contains(rule.bits) || rule.bits == Self.unquantized else {
        throw wrong("\(rule.bits) bits; 1 to 8 are possible, or 16 for float16")
      }
      if let damping = rule.damping, !(damping >= 0 && damping <= 10) {
        throw wrong("damping must be 0 to 10")
      }
      if let restoration = rule.restoration, !(restoration >= 0 && restoration <= 1) {
        throw wrong("restoration must be 0 to 1")
      }
      guard let classes = rule.bitsByFrequency else { continue }
      guard classes.allSatisfy({ (1...8).contains($0.bits) && $0.rows ?? 1 > 0 }),
        let last = classes.last, last.rows == nil, classes.dropLast().allSatisfy({ $0.rows != nil })
      else {
        throw wrong("bits_by_frequency needs 1 to 8 bits and rows in each class, and no rows in the last")
      }
    }
  }

  /// The rule for a tensor; nil where none matches.
  public func rule(for name: String) -> Rule? { rules.first { matches(name, pattern: $0.pattern) } }
}

/// Whether a name matches a pattern with `*` and `?`.
func matches(_ name: String, pattern: String) -> Bool {
  let (name, pattern) = (Array(name.unicodeScalars), Array(pattern.unicodeScalars))
  var (place, at) = (0, 0)
  // Where to go on after the last star, should what follows it not fit.
  var retry: (place: Int, at: Int)?
  while place < name.count {
    if at < pattern.count, pattern[at] == "*" {
      retry = (place, at + 1)
      at += 1
    } else if at < pattern.count, pattern[at] == "?" || pattern[at] == name[place] {
      place += 1
      at += 1
    } else if let last = retry {
      retry = (last.place + 1, last.at)
      (place, at) = (last.place + 1, last.at)
    } else {
      return false
    }
  }
  return pattern[at...].allSatisfy { $0 == "*" }
}
