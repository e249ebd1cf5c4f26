// What is done to recordings before they are heard.

import Foundation

/// Clean, or a degradation of a given strength.
public indirect enum Condition: Sendable, Hashable, Codable {
  public enum Noise: String, Sendable, Hashable, Codable, CaseIterable {
    /// Other recordings of the corpus, several at once.
    case babble
    case white, pink
  }

  case clean
  /// Decibels of the recording above the noise.
  case noise(Noise, decibels: Double)
  /// 300 to 3400 Hz, at 8 kHz in G.711 µ-law.
  case telephone
  /// A room, by the seconds in which its sound falls by 60 dB.
  case reverb(Double)
  /// Faster by this factor, and higher by it, too.
  case speed(Double)
  /// One after another.
  case combined([Condition])

  /// As on the command line.
  public var label: String {
    func short(_ value: Double) -> String {
      value == value.rounded() ? String(Int(value)) : String(value)
    }
    return switch self {
    case .clean: "clean"
    case .noise(let noise, let decibels): "\(noise.rawValue) \(short(decibels)) dB"
    case .telephone: "telephone"
    case .reverb(let seconds): "reverb \(short(seconds)) s"
    case .speed(let factor): "speed \(short(factor))"
    case .combined(let parts): parts.map(\.label).joined(separator: ", ")
    }
  }

  /// Whether words lie elsewhere in time than in the recording.
  public var movesWords: Bool {
    switch self {
    case .speed: true
    case .combined(let parts): parts.contains(where: \.movesWords)
    case .clean, .noise, .telephone, .reverb: false
    }
  }

  /// Every choice of one from each of `groups`, all of it at once, in the order of `groups`; groups without any count as not there.
  public static func combinations(_ groups: [[Condition]]) -> [Condition] {
    let groups = groups.filter { !$0.isEmpty }
    guard !groups.isEmpty else { return [] }
    var lists: [[Condition]] = [[]]
    for group in groups { lists = lists.flatMap { list in group.map { list + [$0] } } }
    return lists.map { $0.count == 1 ? $0[0] : .combined($0) }
  }

  /// `babble:10dB`, `white:20,10,0`: a condition for each level.
  ///
  /// - Throws: `ComparisonError.specification`.
  public static func noises(_ text: String) throws(ComparisonError) -> [Condition] {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    let names = Noise.allCases.map(\.rawValue)
    guard let name = parts.first, let noise = Noise(rawValue: name) else {
      let hint = NearestNames.hint(parts.first ?? "", among: names)
      throw .specification(
        "\(text): no noise of that name\(hint.isEmpty ? "; there are \(names.joined(separator: ", "))" : hint)"
      )
    }
    let levels = parts.count > 1 ? parts[1].split(separator: ",").map(String.init) : ["10"]
    var conditions: [Condition] = []
    for level in levels {
      let number = level.lowercased().hasSuffix("db") ? String(level.dropLast(2)) : level
      guard let decibels = Double(number.trimmingCharacters(in: .whitespaces)), abs(decibels) <= 100 else {
        throw .specification("\(text): “\(level)” is not a level in dB, as in \(name):10dB")
      }
      conditions.append(.noise(noise, decibels: decibels))
    }
    return conditions
  }
}
