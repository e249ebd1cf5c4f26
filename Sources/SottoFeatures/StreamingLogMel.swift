// Log-mel features of a stream, as it arrives.

import SottoKernels

/// The frames of `LogMel`, bit for bit, for any way of cutting the signal into pieces. Frame t comes out half a window
/// (12.5 ms) after the sample it is centred on. The floor is fixed: one that depends on the whole signal needs its end.
public struct StreamingLogMel {
  /// The floor of streaming models.
  public static let defaultFloor: Float = -6.5

  public let bands: Int
  /// Lowest value of a feature, in log₁₀ of energy, before scaling.
  public let floor: Float
  private let spectrum: MelSpectrum
  private let workspace: FourierTransform.Workspace
  private var frames: FrameStream

  /// - Throws: `FeatureError` where a value is out of its range.
  public init(
    sampleRate: Int = 16_000, bands: Int = 80, windowLength: Int = 400, hop: Int = 160,
    floor: Float = defaultFloor
  ) throws(FeatureError) {
    self.bands = bands
    self.floor = floor
    spectrum = try MelSpectrum(sampleRate: sampleRate, bands: bands, windowLength: windowLength, hop: hop)
    workspace = spectrum.makeWorkspace()
    frames = FrameStream(windowLength: windowLength, hop: hop)
  }

  /// The features that `samples` complete: [frames, bands], without rows where they complete none.
  public mutating func push(_ samples: [Float]) -> Matrix {
    gather { frames, body in frames.push(samples, body: body) }
  }

  /// The last features of the stream, those that reflect its end. The next sample starts another stream.
  public mutating func finish() -> Matrix {
    gather { frames, body in frames.finish(body: body) }
  }

  private mutating func gather(
    _ run: (inout FrameStream, (UnsafeBufferPointer<Float>) -> Void) -> Void
  ) -> Matrix {
    var elements: [Float] = []
    var row = [Float](repeating: 0, count: bands)
    run(&frames) { frame in
      row.withUnsafeMutableBufferPointer {
        spectrum.energies(of: frame, using: workspace, into: $0)
        LogMel.takeLogarithm(of: $0)
        LogMel.scale($0, floor: floor)
      }
      elements.append(contentsOf: row)
    }
    return Matrix(rows: elements.count / bands, columns: bands, elements: elements)
  }
}
