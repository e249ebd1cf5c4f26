// What can go wrong when features are set up.

/// An error of this module.
public enum FeatureError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A setting of the features, usually from a model's configuration, cannot be used.
  case unusableSetting(name: String, value: Int, allowed: String)
  /// FFTW found no way to transform this many points.
  case noTransform(points: Int)

  public var description: String {
    switch self {
    case .unusableSetting(let name, let value, let allowed):
      "feature setting \(name) is \(value), but must be \(allowed); check the model's configuration"
    case .noTransform(let points):
      "FFTW cannot transform \(points) points; check the window length in the model's configuration"
    }
  }
}
