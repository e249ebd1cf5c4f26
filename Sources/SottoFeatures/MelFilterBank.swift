// Triangular filters that gather a power spectrum into bands as wide as the ear's.

import Glibc

/// Mel filters on Slaney's scale (linear to 1 kHz, logarithmic above), each with an area of 1 over frequency, from 0
/// to half the sample rate: the filters of Slaney's Auditory Toolbox (1998), librosa's default and Whisper's input.
///
/// A filter covers few bins, so only its non-zero weights are kept.
struct MelFilterBank: Sendable {
  let bands: Int
  /// Frequencies of the spectrum.
  let bins: Int
  /// First bin of each band's filter, [bands].
  private let firstBin: [Int]
  /// Where each band's weights start in `weights`, [bands + 1].
  private let offsets: [Int]
  private let weights: [Float]

  /// - Parameter transformLength: points of the Fourier transform that gives the spectrum.
  init(sampleRate: Int, transformLength: Int, bands: Int) {
    let bins = transformLength / 2 + 1
    let binWidth = Double(sampleRate) / Double(transformLength)
    let highest = Self.mel(hertz: Double(sampleRate) / 2)
    let edges = (0..<(bands + 2)).map { Self.hertz(mel: highest * Double($0) / Double(bands + 1)) }

    var firstBin: [Int] = []
    var offsets = [0]
    var weights: [Float] = []
    for band in 0..<bands {
      let (low, centre, high) = (edges[band], edges[band + 1], edges[band + 2])
      let inside = (0..<bins).filter { low < Double($0) * binWidth && Double($0) * binWidth < high }
      firstBin.append(inside.first ?? 0)
      for bin in inside {
        let frequency = Double(bin) * binWidth
        let height = min((frequency - low) / (centre - low), (high - frequency) / (high - centre))
        weights.append(Float(height * 2 / (high - low)))
      }
      offsets.append(weights.count)
    }
    self.bands = bands
    self.bins = bins
    self.firstBin = firstBin
    self.offsets = offsets
    self.weights = weights
  }

  /// Energies of the bands, written to `energies` [bands], of the spectrum `power` [bins].
  func apply(to power: UnsafeMutableBufferPointer<Float>, energies: UnsafeMutableBufferPointer<Float>) {
    precondition(power.count == bins && energies.count == bands, "spectrum or bands of another size")
    weights.withUnsafeBufferPointer { weights in
      for band in 0..<bands {
        let start = offsets[band]
        let bin = firstBin[band]
        var energy: Float = 0
        for index in 0..<(offsets[band + 1] - start) { energy += weights[start + index] * power[bin + index] }
        energies[band] = energy
      }
    }
  }

  private static let linearMelWidth = 200.0 / 3
  private static let logarithmicStart = 1000.0
  /// 27 bands to a factor of 6.4 in frequency.
  private static let logarithmicStep = log(6.4) / 27

  static func mel(hertz: Double) -> Double {
    guard hertz > logarithmicStart else { return hertz / linearMelWidth }
    return logarithmicStart / linearMelWidth + log(hertz / logarithmicStart) / logarithmicStep
  }

  static func hertz(mel: Double) -> Double {
    let start = logarithmicStart / linearMelWidth
    guard mel > start else { return mel * linearMelWidth }
    return logarithmicStart * exp(logarithmicStep * (mel - start))
  }
}
