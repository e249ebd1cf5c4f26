// What can be wrong with a model file, or with making one.

import Foundation

/// Errors of this module. Each description names the file, the tensor where there is one, and the remedy.
public enum ModelError: Error, Sendable, Hashable, LocalizedError, CustomStringConvertible {
  /// The file cannot be opened or mapped.
  case unreadable(path: String, reason: String)
  /// The file is not a safetensors file, or a damaged one.
  case damaged(path: String, reason: String)
  /// A tensor is not what it should be.
  case tensor(path: String, name: String, reason: String)
  /// A tensor that the model needs is not in the file.
  case missingTensor(path: String, name: String)
  /// A safetensors file without the configuration of sotto.
  case noConfiguration(path: String)
  /// A configuration that cannot be right.
  case configuration(path: String, reason: String)
  /// A file made for a newer version of this program.
  case newerFormat(path: String, format: Int, supported: Int)
  /// A model of a family that something else is made for.
  case family(path: String, family: String, needed: [String])
  /// The model that another one stands on is not there.
  case missingBase(path: String, base: String, reason: String)
  /// It is there, and is another one.
  case otherBase(path: String, base: String, reason: String)
  /// The output file cannot be written.
  case unwritable(path: String, reason: String)
  /// The quantization that was asked for is not possible.
  case quantization(reason: String)
  /// A stream cannot be cut into chunks of this length; lengths in ms.
  case chunk(model: String, chunk: Int, offered: [Int])
  /// Features of another number of mel bands.
  case features(got: Int, needed: Int)

  public var description: String {
    switch self {
    case .unreadable(let path, let reason):
      "\(path): cannot read the model file: \(reason). Give the path of a model file that you may read."
    case .damaged(let path, let reason):
      "\(path): not a usable safetensors file: \(reason). Fetch or make the file again."
    case .tensor(let path, let name, let reason):
      "\(path): tensor “\(name)”: \(reason). Fetch or make the file again."
    case .missingTensor(let path, let name):
      "\(path): the tensor “\(name)” is missing. The file is not complete; fetch or make it again."
    case .noConfiguration(let path):
      "\(path): no sotto configuration in its metadata. "
        + "It is not a model made for sotto; convert it with the importer in tools/ first."
    case .configuration(let path, let reason):
      "\(path): its configuration is not valid: \(reason). Fetch or make the file again."
    case .newerFormat(let path, let format, let supported):
      "\(path): the model has format \(format); this version of sotto reads up to \(supported). "
        + "Update sotto, or use an older model file."
    case .family(let path, let family, let needed):
      "\(path): a model of the family \(family); \(needed.joined(separator: " or ")) is needed here. "
        + "Give a model of that family; sotto models lists what is installed."
    case .missingBase(let path, let base, let reason):
      "\(path): its encoder is in another model file, \(base), which cannot be read: \(reason). "
        + "Put that model into the same folder."
    case .otherBase(let path, let base, let reason):
      "\(path): \(base) is not the model that it was trained on: \(reason). "
        + "Put both models of one release into the folder, or export this one again."
    case .unwritable(let path, let reason):
      "\(path): cannot write the model file: \(reason)"
    case .quantization(let reason):
      "cannot quantize: \(reason)"
    case .chunk(let model, let chunk, let offered):
      "the model \(model) has no chunks of \(chunk) ms; "
        + "take one of \(offered.map(String.init).joined(separator: ", "))"
    case .features(let got, let needed):
      "the features have \(got) mel bands, the model needs \(needed)"
    }
  }

  public var errorDescription: String? { description }
}

/// The text of the system's last error.
func systemErrorText(_ code: Int32) -> String { String(cString: strerror(code)) }

/// Calls a system function again as long as a signal interrupts it.
func retryingInterrupts<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}
