// Interleaved samples from a decoder: what lies below channels and rates.

/// A decoder of one recording.
protocol FrameReader: AnyObject {
  var sampleRate: Int { get }
  var channels: Int { get }
  /// Frames in the recording where they are known and can be believed.
  var frames: Int? { get }
  /// What is wrong with the recording although it can be read; complete after the end.
  var warning: String? { get }
  /// The next frames, at most `frames` (at least 1), interleaved, as the decoder gives them; empty at the end.
  ///
  /// - Throws: `AudioError.readFailed`. What was read before has been delivered by then.
  func read(frames: Int) throws -> [Float]
}

/// The words for a recording with fewer frames than announced, or nil.
func endsEarly(announced: Int, read: Int, sampleRate: Int) -> String? {
  guard read < announced else { return nil }
  let (whole, part) = (Double(announced) / Double(sampleRate), Double(read) / Double(sampleRate))
  return "ends early: the header announces \(formatted(whole)) s, the data has \(formatted(part)) s"
}
