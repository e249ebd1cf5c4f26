// Sound and picture of an utterance, as text within a page.

import Foundation
import SottoAudio
import SottoFeatures
import SottoKernels

/// Ogg Opus and a spectrogram in bytes, both in base 64.
struct Media {
  /// Bands of the spectrogram, lowest first, and frames a second.
  static let bands = 40
  static let rate = 50
  /// Range of log-mel features that bytes stand for.
  private static let range: ClosedRange<Float> = -0.45...1.25

  let audio: String?
  let picture: String

  var size: Int { (audio?.utf8.count ?? 0) + picture.utf8.count }

  /// Bytes that a second takes in the page, about.
  static let bytesPerSecond = 7500.0

  /// Reads an utterance piece by piece.
  ///
  /// - Throws: `AudioError`, `FeatureError`.
  init(_ utterance: Utterance) throws {
    let source = try PartialSource(utterance)
    // Without Opus in libsndfile there is a picture alone.
    let encoder = try? OpusEncoder(sampleRate: source.sampleRate)
    var features = try StreamingLogMel()
    var bytes: [UInt8] = []
    var waiting: [Float] = []
    func take(_ rows: Matrix) {
      waiting += rows.elements
      let pair = 2 * features.bands
      var start = 0
      while waiting.count - start >= pair {
        for band in 0..<Self.bands {
          // Two bands of two frames.
          let places = [0, 1, features.bands, features.bands + 1].map { start + 2 * band + $0 }
          let mean = places.reduce(Float(0)) { $0 + waiting[$1] } / 4
          let share = (mean - Self.range.lowerBound) / (Self.range.upperBound - Self.range.lowerBound)
          bytes.append(UInt8(min(max(share, 0), 1) * 255))
        }
        start += pair
      }
      waiting.removeFirst(start)
    }
    while true {
      let samples = try source.read(count: source.sampleRate)
      if samples.isEmpty { break }
      encoder?.write(samples)
      take(features.push(samples))
    }
    take(features.finish())
    audio = encoder.map { Data($0.finish()).base64EncodedString() }
    picture = Data(bytes).base64EncodedString()
  }
}
