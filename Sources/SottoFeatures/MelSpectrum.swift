// The mel energies of one frame: the computation that offline and streaming features share.

import Glibc

/// Window, power spectrum and mel filters of frames of one kind. Shared by threads; each brings its workspace.
struct MelSpectrum: Sendable {
  let windowLength: Int
  let hop: Int
  let bands: Int
  /// Periodic Hann window, [windowLength].
  private let window: [Float]
  private let transform: FourierTransform
  private let filters: MelFilterBank

  /// - Throws: `FeatureError` where a value is out of its range.
  init(sampleRate: Int, bands: Int, windowLength: Int, hop: Int) throws(FeatureError) {
    try Self.check("sampleRate", sampleRate, in: 1_000...1_000_000)
    try Self.check("windowLength", windowLength, in: 16...16_384)
    guard windowLength.isMultiple(of: 2) else {
      throw .unusableSetting(name: "windowLength", value: windowLength, allowed: "even")
    }
    try Self.check("hop", hop, in: 1...windowLength)
    try Self.check("melBands", bands, in: 1...(windowLength / 2))
    self.windowLength = windowLength
    self.hop = hop
    self.bands = bands
    let step = 2 * Double.pi / Double(windowLength)
    window = (0..<windowLength).map { Float(0.5 - 0.5 * cos(step * Double($0))) }
    transform = try FourierTransform(length: windowLength)
    filters = MelFilterBank(sampleRate: sampleRate, transformLength: windowLength, bands: bands)
  }

  func makeWorkspace() -> FourierTransform.Workspace { .init(length: windowLength) }

  /// Writes the energies of the bands, [bands], of one frame of samples, [windowLength].
  func energies(
    of frame: UnsafeBufferPointer<Float>, using workspace: FourierTransform.Workspace,
    into energies: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(frame.count == windowLength, "frame of another length")
    window.withUnsafeBufferPointer { window in
      for index in 0..<windowLength { workspace.frame[index] = frame[index] * window[index] }
    }
    transform.powerSpectrum(in: workspace)
    filters.apply(to: workspace.power, energies: energies)
  }

  private static func check(_ name: String, _ value: Int, in range: ClosedRange<Int>) throws(FeatureError) {
    guard range.contains(value) else {
      throw .unusableSetting(name: name, value: value, allowed: "\(range.lowerBound) to \(range.upperBound)")
    }
  }
}
