// A microphone without a sound card: the plugin for ALSA in Tests/Microphone, built, and a configuration that uses it.

import Foundation

/// Capture devices for a program that is run from outside: `mic`, which is the default one too.
public final class Microphone {
  public struct NotBuilt: Error { public let reason: String }

  /// For the program that is to hear it.
  public var environment: [String: String] { ["ALSA_CONFIG_PATH": folder("alsa.conf")] }
  /// A file: what stands in it happens to the device (`busy`, `denied`, `gone`, `suspend`).
  public var faults: String { folder("faults") }

  private let folder: TemporaryFolder

  /// - Parameters:
  ///   - samples: interleaved; silence follows.
  ///   - rate: the only one that the device offers.
  ///   - pace: seconds of audio in a second.
  ///   - loops: whether they begin again, in place of silence.
  /// - Throws: `NotBuilt`.
  public init(
    _ samples: [Int16], rate: Int = 16_000, channels: Int = 1, pace: Int = 1, loops: Bool = false
  ) throws {
    let library = try Self.library.get()
    folder = try TemporaryFolder()
    let audio = try folder.write("audio.raw", samples.withUnsafeBytes { Data($0) })
    let device =
      "type sotto_test file \"\(audio)\" faults \"\(folder("faults"))\" rate \(rate) channels \(channels)"
      + " pace \(pace) loop \(loops ? 1 : 0)"
    try folder.write(
      "alsa.conf",
      """
      </usr/share/alsa/alsa.conf>
      pcm_type.sotto_test { lib "\(library)" }
      pcm.mic { \(device) hint { show on description "Microphone for tests" } }
      pcm.!default { \(device) hint { show on description "Microphone for tests, by default" } }

      """)
  }

  public func fault(_ name: String) throws { try folder.write("faults", name) }

  /// Seconds of a ramp that tells where in time a sample belongs.
  public static func ramp(seconds: Double) -> [Int16] {
    (0..<Int(seconds * 16_000)).map { Int16($0 / rampStep % rampLength + 1) }
  }

  /// The place of a ramp's sample in the recording, in seconds less whole multiples of 4 s; nil for silence.
  public static func place(_ sample: Float) -> Double? {
    sample > 0 ? Double((Int((sample * 32_768).rounded()) - 1) * rampStep) / 16_000 : nil
  }

  private static let rampStep = 4
  private static let rampLength = 16_000

  /// Built once by each process of tests. It stays in the temporary folder, for it is of no known lifetime.
  private static let library = Result<String, any Error> {
    let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let source = here.appendingPathComponent("Microphone/microphone.c").path
    let folder = try TemporaryFolder()
    keep = folder
    let library = folder("microphone.so")
    let command = "$compiler -shared -fPIC -DPIC -O1 -o \"$1\" \"$2\" -lasound"
    let result = try Program(path: "/bin/sh").run(
      ["-c", "for compiler in clang cc; do \(command) && exit; done; exit 1", "sh", library, source])
    guard result.status == 0 else { throw NotBuilt(reason: result.errors) }
    return library
  }

  nonisolated(unsafe) private static var keep: TemporaryFolder?
}
