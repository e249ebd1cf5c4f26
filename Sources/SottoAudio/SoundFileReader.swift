// libsndfile as a decoder of regular files: the one place that holds its handle.
import CSottoSndFile
import Synchronization

/// Decodes what libsndfile reads.
final class SoundFileReader: FrameReader {
  let sampleRate: Int
  let channels: Int
  let frames: Int?
  private(set) var warning: String?

  private let name: String
  private let handle: OpaquePointer
  /// Frames that the header announces, where the file ought to have them all.
  private var announcedFrames: Int?
  private var framesRead = 0
  private var hasEnded = false

  /// Why libsndfile refused a file.
  struct Refusal: Error {
    let code: Int32
    let reason: String
  }

  /// libsndfile keeps the error of a failed open, and its log, in global variables.
  private static let opening = Mutex(())

  /// - Parameters:
  ///   - descriptor: a regular file, at its start.
  ///   - announced: frames by the file's header, where the caller has read it.
  /// - Throws: `Refusal`, `SystemError`, or `AudioError` for a rate or a number of channels that is out of bounds.
  init(name: String, descriptor: FileDescriptor, announced: Int? = nil) throws {
    var info = SF_INFO()
    // A number of its own for libsndfile to close: where it refuses a file it does so even if told not to.
    let number = try FileDescriptor.duplicate(descriptor.number)
    let opened = Self.opening.withLock { _ -> Result<Int, Refusal> in
      if let handle = sf_open_fd(number, Int32(SFM_READ), &info, Int32(SF_TRUE)) {
        return .success(Int(bitPattern: handle))
      }
      let code = sf_error(nil)
      return .failure(Refusal(code: code, reason: String(cString: sf_error_number(code))))
    }
    guard let handle = OpaquePointer(bitPattern: try opened.get()) else {
      throw Refusal(code: Int32(SF_ERR_SYSTEM), reason: "no handle")
    }
    self.handle = handle
    self.name = name
    sampleRate = Int(info.samplerate)
    channels = Int(info.channels)
    let size = (try? descriptor.size()) ?? 0
    let format = SoundFormat(info.format)
    let isKnown = info.frames >= 0 && info.frames < sf_count_t.max
    // No encoding stores more than a second a byte (FLAC, of digital silence at 8 kHz, comes near).
    let isCredible = isKnown && Int(info.frames) / max(sampleRate, 1) <= size
    frames = isCredible ? Int(info.frames) : nil
    announcedFrames = announced ?? format.announcedFrames(log: handle, channels: channels) ?? frames
    if format.container == SF_FORMAT_OGG, !isKnown {
      warning = "has no mark of its end; it may have been cut short"
    }
    if format.container == SF_FORMAT_MPEG, let announced = announcedFrames {
      // The length of an MP3 is an estimate where no header tells it.
      announcedFrames = announced - announced / 100 - sampleRate / 4
    }
    // Everything is initialised here, so that a throw runs deinit, which closes the handle.
    try checkLimits(name: name, sampleRate: sampleRate, channels: channels)
  }

  deinit { sf_close(handle) }

  func read(frames: Int) throws -> [Float] {
    guard !hasEnded else { return [] }
    // A block that keeps memory small for any number of channels.
    let wanted = min(max(frames, 1), max(65_536 / channels, 1))
    let samples = [Float](unsafeUninitializedCapacity: wanted * channels) { buffer, initialized in
      guard let start = buffer.baseAddress else { return }
      let count = Int(sf_readf_float(handle, start, sf_count_t(wanted)))
      initialized = min(max(count, 0), wanted) * channels
    }
    framesRead += samples.count / channels
    if samples.isEmpty { try end() }
    return samples
  }

  private func end() throws {
    hasEnded = true
    let seconds = Double(framesRead) / Double(sampleRate)
    let code = sf_error(handle)
    let reason = String(cString: sf_strerror(handle))
    if code == SF_ERR_SYSTEM { throw AudioError.readFailed(name, seconds: seconds, reason: reason) }
    if let announced = announcedFrames {
      warning = endsEarly(announced: announced, read: framesRead, sampleRate: sampleRate) ?? warning
    }
    // Mostly the cut of a file within a block; damage in the middle is passed over by the decoders themselves.
    if code != SF_ERR_NO_ERROR {
      warning = (warning ?? "is damaged after \(formatted(seconds)) s") + " (\(oneLine(reason)))"
    }
  }
}

/// The two halves of libsndfile's format number, and what they imply.
private struct SoundFormat {
  let container: Int
  let encoding: Int

  init(_ format: Int32) {
    container = Int(format) & SF_FORMAT_TYPEMASK
    encoding = Int(format) & SF_FORMAT_SUBMASK
  }

  /// Bytes of a sample in the file, nil for compressed ones.
  private var bytes: Int? {
    switch encoding {
    case SF_FORMAT_PCM_S8, SF_FORMAT_PCM_U8, SF_FORMAT_ALAW, SF_FORMAT_ULAW: 1
    case SF_FORMAT_PCM_16: 2
    case SF_FORMAT_PCM_24: 3
    case SF_FORMAT_PCM_32, SF_FORMAT_FLOAT: 4
    case SF_FORMAT_DOUBLE: 8
    default: nil
    }
  }

  /// Frames that the header of an AIFF or AU file announces, where libsndfile's log says that it corrected them:
  /// ` SSND : 64008 (should be 31981)`, `  Data Size   : 64000 (should be 31984)`.
  func announcedFrames(log handle: OpaquePointer, channels: Int) -> Int? {
    guard [SF_FORMAT_AIFF, SF_FORMAT_AU].contains(container), let bytes, channels > 0 else { return nil }
    var text = [CChar](repeating: 0, count: 4096)
    _ = sf_command(handle, Int32(SFC_GET_LOG_INFO), &text, Int32(text.count - 1))
    let log = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    for line in log.split(separator: "\n") where line.contains("(should be ") {
      let words = line.split(whereSeparator: { " :".contains($0) })
      // 4 GiB less one is the placeholder of programs that write into a pipe.
      if words.starts(with: ["SSND"]), words.count > 1, let length = Int(words[1]), length < 0xFFFF_0000 {
        return (length - 8) / (bytes * channels)
      }
      if words.starts(with: ["Data", "Size"]), words.count > 2, let length = Int(words[2]), length > 0 {
        return length < 0xFFFF_0000 ? length / (bytes * channels) : nil
      }
    }
    return nil
  }
}

/// Refuses what no recording has.
func checkLimits(name: String, sampleRate: Int, channels: Int) throws(AudioError) {
  guard AudioLimits.sampleRates.contains(sampleRate) else {
    throw .unusableSampleRate(name, rate: sampleRate)
  }
  guard AudioLimits.channels.contains(channels) else {
    throw .unusableChannelCount(name, channels: channels)
  }
}
