// Log-mel features of a whole signal.

import Glibc
import SottoKernels

/// Log-mel features as Whisper takes them (`log_mel_spectrogram` of openai/whisper): centred frames with reflected
/// ends, periodic Hann window, power spectrum, Slaney mel bands, log₁₀, a floor, and (x + 4) / 4.
///
///     let features = try LogMel()(samples, paddedTo: 480_000)  // [3000, 80]
public struct LogMel: Sendable {
  /// The lowest value, in log₁₀ of energy, that features may take.
  public enum Floor: Sendable, Hashable {
    /// So much below the largest value of the whole signal.
    case utteranceMaximum(minus: Float)
    /// The same for all signals, which streams can know.
    case fixed(Float)

    /// Whisper's floor.
    public static let whisper = Floor.utteranceMaximum(minus: 8)
    /// The floor of streaming models.
    public static let streaming = Floor.fixed(-6.5)
  }

  /// log₁₀ of the least energy that is told apart from silence.
  static let silence: Float = -10

  public let floor: Floor
  let spectrum: MelSpectrum

  public var bands: Int { spectrum.bands }
  /// Samples from a frame to the next.
  public var hop: Int { spectrum.hop }

  /// - Parameters:
  ///   - windowLength: samples of a frame, even.
  ///   - hop: samples from a frame to the next.
  /// - Throws: `FeatureError` where a value is out of its range.
  public init(
    sampleRate: Int = 16_000, bands: Int = 80, windowLength: Int = 400, hop: Int = 160,
    floor: Floor = .whisper
  ) throws(FeatureError) {
    self.floor = floor
    spectrum = try MelSpectrum(sampleRate: sampleRate, bands: bands, windowLength: windowLength, hop: hop)
  }

  /// Features of `samples`, followed by zeros up to a length of `paddedTo` samples (longer signals stay as they are).
  ///
  /// - Returns: [length / hop, bands], one row a frame; frame t is centred on sample t · hop.
  public func callAsFunction(_ samples: [Float], paddedTo: Int = 0) -> Matrix {
    let length = max(samples.count, paddedTo)
    let frames = length / hop
    // Frames from here on lie in the padding and are silent, but for the last ones, which may reflect signal.
    let firstSilent = (samples.count + spectrum.windowLength / 2 + hop - 1) / hop
    let firstReflecting = max(0, length - spectrum.windowLength / 2 + hop) / hop

    var features = Matrix(rows: frames, columns: bands)
    features.withUnsafeMutableElements { elements in
      var edge = [Float](repeating: 0, count: spectrum.windowLength)
      let workspace = spectrum.makeWorkspace()
      for frame in 0..<frames {
        let row = UnsafeMutableBufferPointer(rebasing: elements[(frame * bands)..<((frame + 1) * bands)])
        if frame >= firstSilent, frame < firstReflecting {
          row.update(repeating: Self.silence)
          continue
        }
        withFrame(frame, of: samples, paddedTo: length, edge: &edge) {
          spectrum.energies(of: $0, using: workspace, into: row)
        }
        Self.takeLogarithm(of: row)
      }
      finish(elements)
    }
    return features
  }

  /// The samples of one frame: in place where the frame lies inside the signal, else gathered in `edge`.
  private func withFrame(
    _ frame: Int, of samples: [Float], paddedTo length: Int, edge: inout [Float],
    body: (UnsafeBufferPointer<Float>) -> Void
  ) {
    let start = frame * hop - spectrum.windowLength / 2
    if start >= 0, start + spectrum.windowLength <= samples.count {
      samples.withUnsafeBufferPointer { body(.init(rebasing: $0[start..<(start + spectrum.windowLength)])) }
      return
    }
    for index in edge.indices {
      let source = reflectedIndex(start + index, count: length)
      edge[index] = source < samples.count ? samples[source] : 0
    }
    edge.withUnsafeBufferPointer(body)
  }

  static func takeLogarithm(of energies: UnsafeMutableBufferPointer<Float>) {
    for index in energies.indices {
      // Comparing this way round takes NaN for silence.
      energies[index] = energies[index] > 1e-10 ? log10(energies[index]) : silence
    }
  }

  /// Floor and scaling, in place.
  private func finish(_ values: UnsafeMutableBufferPointer<Float>) {
    let lowest =
      switch floor {
      case .fixed(let value): value
      case .utteranceMaximum(let range): values.reduce(Self.silence, max) - range
      }
    Self.scale(values, floor: lowest)
  }

  static func scale(_ values: UnsafeMutableBufferPointer<Float>, floor: Float) {
    for index in values.indices { values[index] = (max(values[index], floor) + 4) / 4 }
  }
}
