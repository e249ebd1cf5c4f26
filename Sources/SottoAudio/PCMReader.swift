// Uncompressed samples straight from a file or pipe, as they arrive.

/// Decodes a stream of uncompressed frames.
final class PCMReader: FrameReader {
  let sampleRate: Int
  let channels: Int
  let frames: Int?
  private(set) var warning: String?

  private let name: String
  private let stream: ByteStream
  private let encoding: PCMEncoding
  /// Bytes of the announced samples that are left; nil where the end of the stream is the end.
  private var bytesLeft: Int?
  private let announcedFrames: Int?
  private var framesRead = 0
  /// The beginning of a frame whose rest has not arrived.
  private var partial: [UInt8] = []
  private var hasEnded = false

  /// - Parameters:
  ///   - stream: stands at the first sample.
  ///   - dataBytes: length of the samples as announced, nil where unknown; what follows is not audio.
  ///   - available: bytes that a regular file has from here on.
  init(
    name: String, stream: ByteStream, encoding: PCMEncoding, sampleRate: Int, channels: Int,
    dataBytes: Int? = nil, available: Int? = nil
  ) {
    self.name = name
    self.stream = stream
    self.encoding = encoding
    self.sampleRate = sampleRate
    self.channels = channels
    let frameBytes = encoding.bytes * channels
    bytesLeft = dataBytes
    announcedFrames = dataBytes.map { $0 / frameBytes }
    frames = [dataBytes, available].compactMap { $0 }.min().map { $0 / frameBytes }
    stream.stopRecording()
  }

  func read(frames: Int) throws -> [Float] {
    let frameBytes = encoding.bytes * channels
    // At most a tenth of a second at once keeps memory small whatever is asked for.
    let wanted = min(max(frames, 1), max(sampleRate / 10, 1)) * frameBytes
    while !hasEnded {
      let room = min(wanted - partial.count, bytesLeft ?? Int.max)
      let bytes = try nextBytes(max(room, 0))
      if bytes.isEmpty {
        end()
        break
      }
      if let left = bytesLeft { bytesLeft = left - bytes.count }
      partial += bytes
      let whole = partial.count / frameBytes
      if whole > 0 {
        framesRead += whole
        defer { partial.removeFirst(whole * frameBytes) }
        return partial.withUnsafeBytes { encoding.decode(.init(rebasing: $0[..<(whole * frameBytes)])) }
      }
    }
    return []
  }

  private func nextBytes(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    do {
      let read = try bytes.withUnsafeMutableBytes { try stream.read(into: $0) }
      bytes.removeLast(count - read)
      return bytes
    } catch let error as SystemError {
      hasEnded = true
      let seconds = Double(framesRead) / Double(sampleRate)
      throw AudioError.readFailed(name, seconds: seconds, reason: error.reason)
    }
  }

  private func end() {
    hasEnded = true
    if let announcedFrames {
      warning = endsEarly(announced: announcedFrames, read: framesRead, sampleRate: sampleRate)
    } else if !partial.isEmpty {
      warning = "ends within a sample: \(partial.count) bytes were left over; check the format of the samples"
    }
    partial = []
  }
}
