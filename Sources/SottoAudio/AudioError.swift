// What can go wrong between a name on the command line and samples, said to the user in one line.
import Foundation

/// Why audio could not be opened or read on. `description` names the input and, where there is one, the remedy.
public enum AudioError: Error, Hashable, Sendable {
  case notFound(String)
  case isDirectory(String)
  /// The system refused to open it; `reason` is the system's text.
  case notReadable(String, reason: String)
  /// Standard input is a terminal, where no audio can come from.
  case isTerminal(String)
  /// No bytes at all.
  case empty(String)
  /// Not audio, or no format that is known here; `guess` says what it looks like.
  case notAudio(String, guess: String)
  /// Ends before its header does.
  case headerCutShort(String)
  /// The header contradicts itself; `detail` is the decoder's text.
  case malformed(String, detail: String)
  case unsupportedEncoding(String, encoding: String)
  /// The header, or the raw format, gives a rate outside `AudioLimits.sampleRates`.
  case unusableSampleRate(String, rate: Int)
  /// The header, or the raw format, gives a number of channels outside `AudioLimits.channels`.
  case unusableChannelCount(String, channels: Int)
  /// A header without a single sample after it.
  case noSamples(String)
  /// `channel` counts from 1.
  case noSuchChannel(String, channel: Int, of: Int)
  /// Reading failed after `seconds` of audio had been delivered.
  case readFailed(String, seconds: Double, reason: String)
  /// A pipe had to be stored in a temporary file first, and that failed.
  case spoolFailed(String, reason: String)
  case malformedRawFormat(String, problem: String)
  case noAudioInFolder(String, recursive: Bool)
  case resamplingFailed(from: Int, to: Int, reason: String)
  /// There is no capture device of this name; `available` are the names of those that there are.
  case noSuchDevice(String, available: [String])
  /// No capture device was named, and the system has no default.
  case noDefaultDevice
  case deviceBusy(String)
  case deviceForbidden(String)
  case noSoundServer(String, reason: String)
  /// `reason` has the name of ALSA's call.
  case deviceUnusable(String, reason: String)
  /// A recording could not be written; `reason` is the system's text.
  case notWritable(String, reason: String)
}

/// What is taken for a recording. Anything else is a broken header rather than sound.
public enum AudioLimits {
  /// Hertz. Below 1 kHz (a bandwidth of 500 Hz) no speech is left; 768 kHz is the fastest that converters run.
  public static let sampleRates = 1_000...768_000
  /// 64 is what one MADI line and the largest field recorders carry.
  public static let channels = 1...64
}

extension AudioError: CustomStringConvertible, LocalizedError {
  public var errorDescription: String? { description }

  public var description: String {
    switch self {
    case .notFound(let name):
      return "\(oneLine(name)): no such file or folder"
    case .isDirectory(let name):
      return "\(oneLine(name)): is a folder, not a recording"
    case .notReadable(let name, let reason):
      return "\(oneLine(name)): cannot be read (\(reason)); check its permissions"
    case .isTerminal(let name):
      return "\(oneLine(name)): is a terminal; send audio into it, for example: sotto transcribe - < talk.wav"
    case .empty(let name):
      return "\(oneLine(name)): is empty (0 bytes); record or copy it again"
    case .notAudio(let name, let guess):
      return "\(oneLine(name)): not an audio file that libsndfile can read (\(guess)); \(convert(name))"
    case .headerCutShort(let name):
      return "\(oneLine(name)): ends within its header; copy it again from where it came from"
    case .malformed(let name, let detail):
      return "\(oneLine(name)): has a damaged header (\(oneLine(detail))); copy it again, or \(convert(name))"
    case .unsupportedEncoding(let name, let encoding):
      return
        "\(oneLine(name)): holds an encoding that is not supported (\(oneLine(encoding))); \(convert(name))"
    case .unusableSampleRate(let name, let rate):
      let range = AudioLimits.sampleRates
      return "\(oneLine(name)): gives a sample rate of \(rate) Hz, and \(range.lowerBound) to "
        + "\(range.upperBound) can be used; \(readRaw)"
    case .unusableChannelCount(let name, let channels):
      return "\(oneLine(name)): gives \(channels) channels, and \(AudioLimits.channels.lowerBound) to "
        + "\(AudioLimits.channels.upperBound) can be used; \(readRaw)"
    case .noSamples(let name):
      return "\(oneLine(name)): holds no samples, only a header; record or copy it again"
    case .noSuchChannel(let name, let channel, let count):
      return "\(oneLine(name)): has no channel \(channel), only \(count == 1 ? "one" : "1 to \(count)"); "
        + "choose another one, or mix them"
    case .readFailed(let name, let seconds, let reason):
      return "\(oneLine(name)): reading failed after \(formatted(seconds)) s (\(oneLine(reason))); "
        + "what came before was kept"
    case .spoolFailed(let name, let reason):
      return
        "\(oneLine(name)): cannot be stored for decoding (\(reason)); set TMPDIR to a folder with space, "
        + "or give a file"
    case .malformedRawFormat(let text, let problem):
      return "raw format '\(oneLine(text))': \(problem); write RATE:FORMAT:CHANNELS, for example 16000:s16:1 "
        + "(formats: \(PCMEncoding.names))"
    case .noAudioInFolder(let name, let recursive):
      return "\(oneLine(name)): no audio files in this folder"
        + (recursive ? " or the folders within it" : "; its subfolders are searched with --recursive")
    case .resamplingFailed(let from, let to, let reason):
      return "resampling from \(from) Hz to \(to) Hz failed: \(oneLine(reason))"
    case .noSuchDevice(let name, let available):
      let known =
        available.isEmpty ? "there are none; plug a microphone in" : available.joined(separator: ", ")
      return "\(oneLine(name)): no such capture device (found: \(oneLine(known)))"
    case .noDefaultDevice:
      return "no microphone: the system has no default capture device; plug one in, start the sound server "
        + "(PipeWire or PulseAudio), or name a device: sotto devices lists them"
    case .deviceBusy(let name):
      return "\(oneLine(name)): is in use by another program; end that one, or capture through the sound "
        + "server, which shares it (device default)"
    case .deviceForbidden(let name):
      return "\(oneLine(name)): permission denied; add yourself to the group audio (sudo usermod -aG audio "
        + "$USER) and log in again"
    case .noSoundServer(let name, let reason):
      return "\(oneLine(name)): the sound server does not answer (\(oneLine(reason))); start it (systemctl "
        + "--user start pipewire-pulse, or pulseaudio --start), or name a device of a card: sotto devices"
    case .deviceUnusable(let name, let reason):
      return "\(oneLine(name)): cannot be captured from (\(oneLine(reason))); sotto devices lists what can"
    case .notWritable(let name, let reason):
      return "\(oneLine(name)): cannot be written (\(oneLine(reason)))"
    }
  }
}

private let readRaw = "if its samples are good, read them with --raw RATE:FORMAT:CHANNELS"

/// The advice to convert, with a command that can be pasted into a shell.
private func convert(_ name: String) -> String {
  let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/+,=@%")
  let shown = oneLine(name)
  let isWord = !shown.isEmpty && shown.first != "-" && shown.allSatisfy(plain.contains)
  let word = name == standardInputName ? "FILE" : isWord ? shown : "'" + escaped(shown) + "'"
  return "convert it first, for example: ffmpeg -i \(word) out.flac"
}

private func escaped(_ text: String) -> String {
  text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
}

/// A name or foreign text without line breaks or other control characters.
func oneLine(_ text: String) -> String {
  String(
    String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 })
  )
}

/// Seconds with one decimal.
func formatted(_ seconds: Double) -> String {
  String(format: "%.1f", seconds)
}
