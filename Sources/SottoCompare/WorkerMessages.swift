// What a comparison and the processes that it measures say to each other, a JSON line each.

import Foundation

/// The first line to a worker: what it is to run.
public struct WorkerSettings: Sendable, Codable {
  /// The model's file; nil for a peer.
  public var model: String?
  /// That of a second pass.
  public var secondPass: String?
  public var command: String?
  public var options: VariantOptions

  /// The command of a peer that stays and gets paths on its standard input, without the mark that says so.
  public var residentCommand: String? {
    guard let command, command.contains(Variant.stdinMark) else { return nil }
    return command.replacing(Variant.stdinMark, with: "")
  }

  public init(
    model: String? = nil, secondPass: String? = nil, command: String? = nil, options: VariantOptions = .init()
  ) {
    self.model = model
    self.secondPass = secondPass
    self.command = command
    self.options = options
  }
}

/// Each further line to a worker: what it is to hear.
public struct WorkerTask: Sendable, Codable {
  public var audio: String
  /// Where somebody speaks, in seconds: start, end, start, end…
  public var speech: [Double]

  public init(audio: String, speech: [Range<Double>] = []) {
    self.audio = audio
    self.speech = speech.flatMap { [$0.lowerBound, $0.upperBound] }
  }

  public var stretches: [Range<Double>] {
    stride(from: 0, to: speech.count - 1, by: 2).compactMap {
      speech[$0] <= speech[$0 + 1] ? speech[$0]..<speech[$0 + 1] : nil
    }
  }
}

/// Each line from a worker: that it is ready, why it is not, or what it measured.
public struct WorkerReply: Sendable, Codable {
  public var process: ProcessMeasurement?
  public var failure: String?
  public var measurement: UtteranceMeasurement?
  /// Whether it hears as if live, so that it wants to know where somebody speaks.
  public var isLive: Bool?

  public init(
    process: ProcessMeasurement? = nil, failure: String? = nil, measurement: UtteranceMeasurement? = nil,
    isLive: Bool? = nil
  ) {
    self.process = process
    self.failure = failure
    self.measurement = measurement
    self.isLive = isLive
  }
}
