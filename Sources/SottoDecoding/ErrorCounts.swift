// Counts of recognition errors, and the rates made from them.

/// Errors of a hypothesis against a reference, in words or in characters.
public struct ErrorCounts: Sendable, Hashable, Codable {
  public var hits: Int
  public var substitutions: Int
  public var deletions: Int
  public var insertions: Int

  public init(hits: Int = 0, substitutions: Int = 0, deletions: Int = 0, insertions: Int = 0) {
    self.hits = hits
    self.substitutions = substitutions
    self.deletions = deletions
    self.insertions = insertions
  }

  public var errors: Int { substitutions + deletions + insertions }
  /// Words or characters of the reference.
  public var referenceLength: Int { hits + substitutions + deletions }
  public var hypothesisLength: Int { hits + substitutions + insertions }

  /// Errors divided by the length of the reference; 0 for nothing against nothing, infinite for
  /// something against nothing.
  public var rate: Double {
    if referenceLength == 0 { return errors == 0 ? 0 : .infinity }
    return Double(errors) / Double(referenceLength)
  }

  public static func + (left: Self, right: Self) -> Self {
    Self(
      hits: left.hits + right.hits, substitutions: left.substitutions + right.substitutions,
      deletions: left.deletions + right.deletions, insertions: left.insertions + right.insertions)
  }
}
