// The result: a row for each variant under each condition.

import SottoDecoding

/// What a comparison found. Rates are shares, times seconds, sizes bytes.
public struct Comparison: Sendable, Codable {
  public struct Row: Sendable, Codable {
    public var variant: String
    public var condition: String
    public var family: String?
    /// Utterances that were measured, and those of them that failed: of these all words count as deleted.
    public var utterances = 0
    public var failed = 0
    /// Words of the references.
    public var words = 0
    public var wer: Double?
    public var werInterval: [Double]?
    public var cer: Double?
    public var substitutions = 0
    public var deletions = 0
    public var insertions = 0
    /// Word error rate less that of the first variant under the same condition, its 95 % interval, and the probability of as much by
    /// chance.
    public var werDifference: Double?
    public var werDifferenceInterval: [Double]?
    public var p: Double?
    /// Share of words that the first variant heard in the same way.
    public var agreement: Double?
    /// Computing time on the clock, and of all processors, a second of audio.
    public var realTimeFactor: Double?
    public var cpu: Double?
    public var load: Double?
    public var firstText: Quantiles?
    public var finalText: Quantiles?
    /// Words shown and taken back, for each word that stayed.
    public var revisions: Double?
    public var peakMemory: Int?
    public var size: Int?
    public var bits: Double?
    public var wrongWords: [WrongWord] = []
  }

  /// How it was made.
  public struct Setting: Sendable, Codable {
    public var version: String
    public var command: String
    public var machine: String
    public var corpus: [String]
    public var utterances: Int
    public var seconds: Double
    public var normalized: Bool

    public init(
      version: String, command: String, machine: String, corpus: [String], utterances: Int, seconds: Double,
      normalized: Bool
    ) {
      self.version = version
      self.command = command
      self.machine = machine
      self.corpus = corpus
      self.utterances = utterances
      self.seconds = seconds
      self.normalized = normalized
    }
  }

  public var setting: Setting
  public var rows: [Row]

  public init(setting: Setting, rows: [Row]) {
    self.setting = setting
    self.rows = rows
  }

  public var variants: [String] { unique(rows.map(\.variant)) }
  public var conditions: [String] { unique(rows.map(\.condition)) }
  public func row(_ variant: String, _ condition: String) -> Row? {
    rows.first { $0.variant == variant && $0.condition == condition }
  }

  private func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }
}
