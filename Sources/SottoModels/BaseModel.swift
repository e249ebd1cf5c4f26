// The model that another one's layers stand on.

import Foundation

extension ModelFile {
  /// The model file that this one names as its base, in the same folder.
  ///
  /// - Throws: `ModelError.missingBase` where it cannot be read, `.otherBase` where it is not the model that this one was trained
  ///   on; `.family` where this model has none; what else opening it throws.
  public func base() throws -> ModelFile {
    let description = try part(\.base, of: .rnnt, .mocha)
    let file = URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(description.file)
    let base: ModelFile
    do { base = try ModelFile(path: file.path) } catch ModelError.unreadable(_, let reason) {
      throw ModelError.missingBase(path: path, base: file.path, reason: reason)
    }
    func other(_ reason: String) -> ModelError { .otherBase(path: path, base: file.path, reason: reason) }
    let (own, its) = (configuration, base.configuration)
    guard its.family == .ctc else { throw other("it is of the family \(its.family.rawValue), not ctc") }
    guard
      own.features == its.features && own.encoder == its.encoder && own.streaming == its.streaming
        && own.recurrent == its.recurrent && own.vocabulary == its.vocabulary
    else { throw other("it has another shape") }
    let fingerprint = base.fingerprint
    guard fingerprint == description.fingerprint else {
      throw other("its weights have the fingerprint \(fingerprint), not \(description.fingerprint)")
    }
    return base
  }
}
