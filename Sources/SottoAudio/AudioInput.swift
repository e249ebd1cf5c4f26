// An input of the command line, and the way from it to mono samples at the model's rate.

/// The name of standard input in messages.
let standardInputName = "standard input"

/// Where audio comes from: a path, or `-` for standard input.
public struct AudioInput: Sendable, Hashable {
  /// The path, or `-`.
  public let argument: String
  /// The format of samples without a header; nil where a header tells it.
  public let raw: RawFormat?

  public init(_ argument: String, raw: RawFormat? = nil) {
    self.argument = argument
    self.raw = raw
  }

  /// For messages: the path, or `standard input`.
  public var name: String { argument == "-" ? standardInputName : argument }

  /// Opens the input as it is stored, all channels.
  ///
  /// - Throws: `AudioError`.
  public func openFile() throws -> AudioFile {
    try AudioFile(descriptor: descriptor(), name: name, raw: raw)
  }

  /// Opens one channel, or the mix of all, at `rate` samples a second. At least one sample is there.
  ///
  /// - Throws: `AudioError`.
  public func open(rate: Int = 16_000, channels: ChannelSelection = .mix) throws -> any AudioSource {
    try source(openFile(), rate: rate, channels: channels)
  }

  /// Opens every channel by itself. A pipe is stored first, up to its end.
  ///
  /// - Throws: `AudioError`.
  public func openEach(rate: Int = 16_000) throws -> [any AudioSource] {
    do {
      var shared = try descriptor()
      switch try shared.kind() {
      case .regular where try shared.size() > 0 && shared.position() == 0: break
      case .regular, .other:
        let stream = ByteStream(shared, canSeek: false)
        guard try !stream.peek(1).isEmpty else { throw AudioError.empty(name) }
        shared = try spool(stream, name: name)
      case .directory: throw AudioError.isDirectory(name)
      case .terminal: throw AudioError.isTerminal(name)
      }
      let first = try AudioFile(descriptor: shared.reopened(), name: name, raw: raw)
      return try (0..<first.channels).map { channel in
        let file = channel == 0 ? first : try AudioFile(descriptor: shared.reopened(), name: name, raw: raw)
        return try source(file, rate: rate, channels: .index(channel))
      }
    } catch let error as SystemError {
      throw AudioError.notReadable(name, reason: error.reason)
    }
  }

  private func source(_ file: AudioFile, rate: Int, channels: ChannelSelection) throws -> any AudioSource {
    let mixer = try ChannelMixer(file, channels: channels)
    return mixer.sampleRate == rate ? mixer : try ResampledSource(mixer, rate: rate)
  }

  private func descriptor() throws -> FileDescriptor {
    guard argument == "-" else { return try openForReading(argument) }
    do {
      return try FileDescriptor(duplicating: 0)
    } catch {
      throw AudioError.notReadable(name, reason: error.reason)
    }
  }
}
