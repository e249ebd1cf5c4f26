// What can go wrong in a comparison.

import Foundation

/// Errors of this module.
public enum ComparisonError: Error, Sendable, Hashable, LocalizedError, CustomStringConvertible {
  /// A variant, a condition or a rule that cannot be understood; the text says why and what helps.
  case specification(String)
  /// A file of results or a baseline that cannot be used.
  case file(path: String, reason: String)
  /// A rule asks for a value that there is not.
  case noValue(String)

  public var description: String {
    switch self {
    case .specification(let reason): reason
    case .file(let path, let reason): "\(path): \(reason)"
    case .noValue(let reason): reason
    }
  }

  public var errorDescription: String? { description }
}
