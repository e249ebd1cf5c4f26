// Where somebody speaks, independently of what any variant hears.

import SottoAudio
import SottoFeatures

public enum SpeechBounds {
  /// Pauses shorter than this many frames of 10 ms are within speech.
  private static let shortestPause = 20

  /// Stretches of speech in seconds.
  ///
  /// - Throws: what `source` throws, `FeatureError`.
  public static func of(_ source: any AudioSource) throws -> [Range<Double>] {
    var activity = try SpeechActivity()
    var stretches: [Range<Int>] = []
    var frame = 0
    func take(_ frames: [SpeechActivity.Frame]) {
      for decision in frames {
        defer { frame += 1 }
        guard decision.isSpeech else { continue }
        if let last = stretches.last, frame - last.upperBound < shortestPause {
          stretches[stretches.count - 1] = last.lowerBound..<(frame + 1)
        } else {
          stretches.append(frame..<(frame + 1))
        }
      }
    }
    while true {
      let samples = try source.read(count: source.sampleRate)
      if samples.isEmpty { break }
      take(activity.push(samples))
    }
    take(activity.finish())
    return stretches.map { Double($0.lowerBound) / 100..<Double($0.upperBound) / 100 }
  }
}
