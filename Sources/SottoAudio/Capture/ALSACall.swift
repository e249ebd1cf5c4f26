// Calls of ALSA: retried where a signal interrupted them, and failures that carry the call's name.
import CSottoALSA
import Foundation

/// A call of ALSA that failed.
struct ALSAFailure: Error, Hashable {
  let call: String
  /// Positive, of errno.
  let code: Int32

  var reason: String { "\(call): \(String(cString: snd_strerror(-code)))" }
}

/// Calls ALSA, again after an interruption.
///
/// - Returns: what the call gave, 0 or more.
@discardableResult
func alsa<Result: BinaryInteger>(_ call: String, _ body: () -> Result) throws(ALSAFailure) -> Int {
  while true {
    let result = Int(body())
    if result >= 0 { return result }
    if result != -Int(EINTR) { throw ALSAFailure(call: call, code: Int32(clamping: -result)) }
  }
}

/// Structures of ALSA that live as long as `body`.
enum ALSAMemory {
  static func hardware<Result>(_ body: (OpaquePointer) throws(ALSAFailure) -> Result) throws(ALSAFailure)
    -> Result
  {
    var pointer: OpaquePointer?
    try alsa("snd_pcm_hw_params_malloc") { snd_pcm_hw_params_malloc(&pointer) }
    guard let pointer else { throw ALSAFailure(call: "snd_pcm_hw_params_malloc", code: ENOMEM) }
    defer { snd_pcm_hw_params_free(pointer) }
    return try body(pointer)
  }

  static func software<Result>(_ body: (OpaquePointer) throws(ALSAFailure) -> Result) throws(ALSAFailure)
    -> Result
  {
    var pointer: OpaquePointer?
    try alsa("snd_pcm_sw_params_malloc") { snd_pcm_sw_params_malloc(&pointer) }
    guard let pointer else { throw ALSAFailure(call: "snd_pcm_sw_params_malloc", code: ENOMEM) }
    defer { snd_pcm_sw_params_free(pointer) }
    return try body(pointer)
  }
}
