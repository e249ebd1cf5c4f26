// From the channels of a recording to the one that is recognised.

/// Which channel of a recording is heard.
public enum ChannelSelection: Sendable, Hashable {
  /// The mean of all channels.
  case mix
  /// The first channel.
  case left
  /// The second channel.
  case right
  /// A channel by its index from 0.
  case index(Int)

  /// The index from 0 of a single channel, nil for the mix.
  var channel: Int? {
    switch self {
    case .mix: nil
    case .left: 0
    case .right: 1
    case .index(let index): index
    }
  }
}

/// A recording's chosen channel at the recording's rate, cleaned of samples that are no sound.
final class ChannelMixer: AudioSource {
  private let file: AudioFile
  private let selection: ChannelSelection
  /// Mono samples that were read ahead.
  private var ready: [Float] = []
  private var readyStart = 0
  /// Samples, of any channel in use, that were NaN or infinite.
  private(set) var nonFiniteCount = 0
  /// Samples beyond `sampleLimit`.
  private(set) var clampedCount = 0

  /// Reads the first samples, so that a recording without any fails here.
  ///
  /// - Throws: `AudioError`.
  init(_ file: AudioFile, channels selection: ChannelSelection) throws {
    if let channel = selection.channel, !(0..<file.channels).contains(channel) {
      let number = channel.addingReportingOverflow(1).partialValue
      throw AudioError.noSuchChannel(file.name, channel: number, of: file.channels)
    }
    self.file = file
    self.selection = selection
    ready = mixed(try file.read(frames: max(file.sampleRate / 10, 1)))
    guard !ready.isEmpty else { throw AudioError.noSamples(file.name) }
  }

  var sampleRate: Int { file.sampleRate }
  var duration: Double? { file.duration }

  var warning: String? {
    var parts = [file.warning].compactMap { $0 }
    if nonFiniteCount > 0 {
      parts.append("\(nonFiniteCount) samples were not finite and were replaced by silence")
    }
    if clampedCount > 0 {
      parts.append(
        "\(clampedCount) samples were beyond \(Int(sampleLimit)) times full scale and were clamped; "
          + "floating-point samples are expected within -1 to 1")
    }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }

  func read(count: Int) throws -> [Float] {
    guard count > 0 else { return [] }
    if readyStart == ready.count {
      ready = mixed(try file.read(frames: count))
      readyStart = 0
    }
    let end = readyStart + min(count, ready.count - readyStart)
    defer { readyStart = end }
    return readyStart == 0 && end == ready.count ? ready : Array(ready[readyStart..<end])
  }

  /// One sample a frame.
  private func mixed(_ interleaved: [Float]) -> [Float] {
    let stride = file.channels
    if let channel = selection.channel ?? (stride == 1 ? 0 : nil) {
      return (0..<interleaved.count / stride).map { clean(interleaved[$0 * stride + channel]) }
    }
    return (0..<interleaved.count / stride).map { frame in
      var sum: Float = 0
      for channel in 0..<stride { sum += clean(interleaved[frame * stride + channel]) }
      return sum / Float(stride)
    }
  }

  private func clean(_ sample: Float) -> Float {
    if abs(sample) <= sampleLimit { return sample }
    if sample.isFinite {
      clampedCount += 1
      return sample < 0 ? -sampleLimit : sampleLimit
    }
    nonFiniteCount += 1
    return 0
  }
}
