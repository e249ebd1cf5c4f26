// A recording as it was stored, all channels, whatever the container and wherever it comes from.
import Foundation

/// An open recording: interleaved samples at the rate of the recording, streamed in constant memory.
///
/// Regular files are decoded by libsndfile: WAV in all its forms, RF64, W64, AIFF, AU, CAF, FLAC, Ogg Vorbis,
/// Opus, MP3 and more. From a pipe, WAV of uncompressed or G.711 samples is decoded as it arrives, as is audio
/// without a header; every other format is first stored, up to its end, in a temporary file without a name.
public final class AudioFile {
  /// For messages: the path, or `standard input`.
  public let name: String
  private let reader: any FrameReader

  /// Opens a file, or a pipe with a name.
  ///
  /// - Parameter raw: the format of samples without a header; nil reads the header.
  /// - Throws: `AudioError`.
  public convenience init(path: String, raw: RawFormat? = nil) throws {
    try self.init(descriptor: try openForReading(path), name: path, raw: raw)
  }

  /// Takes over an open descriptor.
  init(descriptor: FileDescriptor, name: String, raw: RawFormat?) throws {
    self.name = name
    do {
      reader = try openReader(descriptor, name: name, raw: raw)
    } catch let error as SystemError {
      throw AudioError.notReadable(name, reason: error.reason)
    }
  }

  /// Samples a second, a channel; within `AudioLimits.sampleRates`.
  public var sampleRate: Int { reader.sampleRate }
  /// Within `AudioLimits.channels`.
  public var channels: Int { reader.channels }
  /// Seconds, where they are known and can be believed.
  public var duration: Double? { reader.frames.map { Double($0) / Double(sampleRate) } }
  /// See `AudioSource.warning`.
  public var warning: String? { reader.warning }

  /// The next frames, at most `frames`, interleaved (`channels` samples a frame), as they were stored: not
  /// necessarily finite. Empty at the end.
  ///
  /// - Throws: `AudioError.readFailed`, after everything before has been delivered.
  public func read(frames: Int) throws -> [Float] {
    frames > 0 ? try reader.read(frames: frames) : []
  }
}

/// Opens a path and turns away what is no file or pipe.
func openForReading(_ path: String) throws(AudioError) -> FileDescriptor {
  // A path with a NUL in it would be cut there.
  guard !path.isEmpty, !path.utf8.contains(0) else { throw .notFound(path) }
  do {
    return try FileDescriptor(path: path)
  } catch  where error.code == ENOENT || error.code == ENOTDIR {
    throw .notFound(path)
  } catch {
    throw .notReadable(path, reason: error.reason)
  }
}

private func openReader(_ descriptor: FileDescriptor, name: String, raw: RawFormat?) throws -> any FrameReader
{
  switch try descriptor.kind() {
  case .directory: throw AudioError.isDirectory(name)
  case .terminal: throw AudioError.isTerminal(name)
  case .regular:
    let (size, position) = try (descriptor.size(), descriptor.position())
    // Files of /proc and the like claim a size of 0 and have content: they are read as pipes are.
    let stream = ByteStream(descriptor, canSeek: size > 0)
    guard size > 0 else { return try openStream(stream, name: name, raw: raw) }
    if let raw { return try rawReader(stream, name: name, raw, available: max(size - position, 0)) }
    // libsndfile wants the file from its start; a shell may have handed it over part way.
    return position == 0
      ? try openRegular(descriptor, name: name) : try openStream(stream, name: name, raw: nil)
  case .other:
    return try openStream(ByteStream(descriptor, canSeek: false), name: name, raw: raw)
  }
}

/// A file that can be sought in, at its start.
private func openRegular(_ descriptor: FileDescriptor, name: String) throws -> any FrameReader {
  let size = try descriptor.size()
  let stream = ByteStream(descriptor, canSeek: true)
  let head = try stream.peek(FileSignature.length)
  let header =
    WaveHeader.recognises(Array(head.prefix(WaveHeader.magicLength)))
    ? Result { try WaveHeader(reading: stream) } : nil
  let wave = try? header?.get()
  let offset = stream.position
  if let wave {
    try checkLimits(name: name, sampleRate: wave.sampleRate, channels: wave.channels)
  }
  do {
    try descriptor.seek(to: 0)
    let reader = try SoundFileReader(name: name, descriptor: descriptor, announced: wave?.frames)
    guard reader.frames == 0 else { return reader }
  } catch let refusal as SoundFileReader.Refusal {
    throw explanation(of: refusal, name: name, signature: FileSignature(head: head), header: header)
  }
  // A recorder that was stopped hard leaves an announced length of 0, with the samples behind it.
  guard let wave, wave.dataBytes == nil, let encoding = wave.encoding, size > offset else {
    throw AudioError.noSamples(name)
  }
  try descriptor.seek(to: offset)
  return PCMReader(
    name: name, stream: ByteStream(descriptor, canSeek: true), encoding: encoding,
    sampleRate: wave.sampleRate,
    channels: wave.channels, available: size - offset)
}

/// Anything that comes in order only.
private func openStream(_ stream: ByteStream, name: String, raw: RawFormat?) throws -> any FrameReader {
  let head = try stream.peek(WaveHeader.magicLength)
  guard !head.isEmpty else { throw AudioError.empty(name) }
  if let raw { return try rawReader(stream, name: name, raw) }
  if WaveHeader.recognises(head) {
    let wave: WaveHeader
    do {
      wave = try WaveHeader(reading: stream)
    } catch let failure as WaveHeader.Failure {
      throw failure.error(name)
    }
    try checkLimits(name: name, sampleRate: wave.sampleRate, channels: wave.channels)
    if let encoding = wave.encoding {
      guard try !stream.peek(1).isEmpty else { throw AudioError.noSamples(name) }
      return PCMReader(
        name: name, stream: stream, encoding: encoding, sampleRate: wave.sampleRate, channels: wave.channels,
        dataBytes: wave.dataBytes)
    }
    guard stream.record != nil else {
      throw AudioError.unsupportedEncoding(name, encoding: wave.encodingName + " on a pipe")
    }
  } else {
    let signature = FileSignature(head: try stream.peek(FileSignature.length))
    guard signature.mayBeAudio else { throw AudioError.notAudio(name, guess: signature.guess) }
  }
  return try openRegular(try spool(stream, name: name), name: name)
}

private func rawReader(
  _ stream: ByteStream, name: String, _ raw: RawFormat, available: Int? = nil
) throws -> any FrameReader {
  guard try !stream.peek(1).isEmpty else { throw AudioError.empty(name) }
  return PCMReader(
    name: name, stream: stream, encoding: raw.encoding, sampleRate: raw.sampleRate, channels: raw.channels,
    available: available)
}

/// What to tell the user where libsndfile did not take a file.
private func explanation(
  of refusal: SoundFileReader.Refusal, name: String, signature: FileSignature,
  header: Result<WaveHeader, any Error>?
) -> any Error {
  switch header {
  case .success(let wave) where wave.encoding == nil:
    return AudioError.unsupportedEncoding(name, encoding: wave.encodingName)
  case .success:
    // Such as recordings one behind the other in one file.
    return AudioError.malformed(name, detail: refusal.reason)
  case .failure(let failure as WaveHeader.Failure):
    return failure.error(name)
  default:
    guard signature.mayBeAudio else { return AudioError.notAudio(name, guess: signature.guess) }
    return AudioError.malformed(name, detail: refusal.reason)
  }
}

extension WaveHeader.Failure {
  fileprivate func error(_ name: String) -> AudioError {
    switch self {
    case .cutShort: .headerCutShort(name)
    case .malformed(let detail): .malformed(name, detail: detail)
    }
  }
}
