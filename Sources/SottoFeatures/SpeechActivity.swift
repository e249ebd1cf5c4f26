// Where a signal may hold speech: the gate that keeps words from being found in silence and noise.

import Glibc

/// Evidence of speech in each 10 ms of a signal at 16 kHz, as it arrives, in constant memory.
///
/// The evidence is the energy above the background, averaged over bands of 100 Hz to 8 kHz. What makes it tell speech:
/// steady sound, however loud, is all background (`NoiseFloor`); sound of few frequencies, such as tones, fills few
/// bands (energies far below the strongest band do not count); clicks are shorter than any speech (median over
/// 110 ms). Other sounds that come and go, such as music, pass: the gate rather keeps what may be speech.
public struct SpeechActivity {
  /// What is known of frame t, the samples from 160 t to 160 (t + 1).
  public struct Frame: Sendable, Hashable {
    public var isSpeech: Bool
    /// Mean decibels above the background, 0...12.
    public var evidence: Float
    /// Energy of the frame on a linear scale of no particular unit, to find quiet places by.
    public var energy: Float

    public init(isSpeech: Bool, evidence: Float, energy: Float) {
      self.isSpeech = isSpeech
      self.evidence = evidence
      self.energy = energy
    }
  }

  /// Samples of a frame.
  public static let frameLength = 160
  /// Frames by which results come after the samples they speak of: about 1.2 s.
  public static let delay = NoiseFloor.delay + medianLength / 2 + longestOnset + 3

  /// Evidence that only speech has. Steady noise stays below 0.6, 200 ms of a tone at 1.6; speech in noise of the
  /// same energy less 10 dB exceeds it in every word or so.
  private static let certain: Float = 1.8
  /// Evidence that counts as speech beside frames that are certain.
  private static let possible: Float = 0.6
  /// Frames before a certain one that may be speech for being possible.
  private static let longestOnset = 30
  private static let medianLength = 11

  /// Mel bands averaged into one: a few bins each, so that noise fluctuates little.
  private static let groups: [Range<Int>] =
    stride(from: 2, to: 62, by: 5).map { $0..<($0 + 5) }
    + stride(from: 62, to: 80, by: 6).map { $0..<($0 + 6) }
  /// Energies below are silence: white noise of −82 dB of full scale.
  private static let leastEnergy: Float = 2.4e-8
  /// Energies below the frame's largest by more than this (35 dB) do not count; windows leak, and so do codecs.
  private static let spectralRange: Float = 3.2e-4
  /// Decibels of noise above its own minimum statistics.
  private static let bias: Float = 3
  /// More decibels than this in one band say no more.
  private static let largestExcess: Float = 12

  private let spectrum: MelSpectrum
  private let workspace: FourierTransform.Workspace
  private var frames: FrameStream
  private var noise = NoiseFloor(bands: groups.count)
  private var median = CentredMedian(length: medianLength)
  /// Energies of frames that wait for their median.
  private var energies: [Float] = []
  /// Possible speech that waits for a certain frame.
  private var onset: [Frame] = []
  private var inSpeech = false

  /// - Throws: `FeatureError` where FFTW refuses its work.
  public init() throws(FeatureError) {
    spectrum = try MelSpectrum(sampleRate: 16_000, bands: 80, windowLength: 400, hop: Self.frameLength)
    workspace = spectrum.makeWorkspace()
    frames = FrameStream(windowLength: 400, hop: Self.frameLength)
  }

  /// Takes the next samples and gives the frames that are decided by them, in order without gaps.
  public mutating func push(_ samples: [Float]) -> [Frame] {
    var decided: [Frame] = []
    for groups in takeGroups({ $0.push(samples, body: $1) }) {
      if let frame = noise.push(groups) { consider(frame, decided: &decided) }
    }
    return decided
  }

  /// Ends the stream and gives the frames left, so that n samples have n / 160 frames. The next sample starts another.
  public mutating func finish() -> [Frame] {
    var decided: [Frame] = []
    for groups in takeGroups({ $0.finish(body: $1) }) {
      if let frame = noise.push(groups) { consider(frame, decided: &decided) }
    }
    for frame in noise.finish() { consider(frame, decided: &decided) }
    for evidence in median.finish() { decide(evidence, decided: &decided) }
    decided += onset
    onset = []
    inSpeech = false
    return decided
  }

  /// Energies of the groups of bands, [groups], of each frame that `run` completes.
  private mutating func takeGroups(
    _ run: (inout FrameStream, (UnsafeBufferPointer<Float>) -> Void) -> Void
  ) -> [[Float]] {
    var all: [[Float]] = []
    var mel = [Float](repeating: 0, count: spectrum.bands)
    run(&frames) { frame in
      mel.withUnsafeMutableBufferPointer { spectrum.energies(of: frame, using: workspace, into: $0) }
      all.append(Self.groups.map { bands in mel[bands].reduce(0, +) / Float(bands.count) })
    }
    return all
  }

  private mutating func consider(_ frame: NoiseFloor.Frame, decided: inout [Frame]) {
    energies.append(frame.energies.reduce(0, +))
    if let evidence = median.push(Self.evidence(of: frame)) { decide(evidence, decided: &decided) }
  }

  /// Mean over the groups of the decibels above the background.
  private static func evidence(of frame: NoiseFloor.Frame) -> Float {
    let least = max(leastEnergy, (frame.energies.max() ?? 0) * spectralRange)
    var sum: Float = 0
    for (energy, floor) in zip(frame.energies, frame.floor) {
      let background = max(floor, least)
      guard energy > background, energy.isFinite else { continue }
      sum += min(max(10 * log10(energy / background) - bias, 0), largestExcess)
    }
    return sum / Float(groups.count)
  }

  /// Hysteresis: a stretch of possible speech is speech if some frame of it is certain.
  private mutating func decide(_ evidence: Float, decided: inout [Frame]) {
    var frame = Frame(isSpeech: false, evidence: evidence, energy: energies.removeFirst())
    inSpeech = evidence >= Self.certain || (inSpeech && evidence >= Self.possible)
    if inSpeech {
      frame.isSpeech = true
      decided += onset.map { Frame(isSpeech: true, evidence: $0.evidence, energy: $0.energy) }
      onset = []
      decided.append(frame)
    } else if evidence >= Self.possible {
      onset.append(frame)
      if onset.count > Self.longestOnset { decided.append(onset.removeFirst()) }
    } else {
      decided += onset
      onset = []
      decided.append(frame)
    }
  }
}
