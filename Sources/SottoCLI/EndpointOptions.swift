// When an utterance is over: a preset, and each rule alone.

import ArgumentParser
import Foundation
import SottoDecoding

struct EndpointOptions: ParsableArguments {
  @Option(help: "How soon a pause ends an utterance, for streaming models, listening and --partials.")
  var endpoint = Endpointing.Preset.balanced

  @Option(
    help: ArgumentHelp(
      "Rules that end an utterance, in seconds, over those of --endpoint: silenceAfterSpeech=S, silenceWithoutSpeech=S, "
        + "pauseInLongUtterance=LENGTH/PAUSE, longestUtterance=S; off for none.",
      valueName: "rule=s,..."))
  var endpointRules: String?

  /// - Throws: `ValidationError`.
  func configuration() throws -> Endpointing.Configuration {
    try Self.configuration(endpoint, rules: (endpointRules ?? "").split(separator: ","))
  }

  /// A preset with rules of its own, each as `rule=seconds`.
  ///
  /// - Throws: `ValidationError`.
  static func configuration(
    _ preset: Endpointing.Preset, rules: [Substring]
  ) throws -> Endpointing.Configuration {
    var configuration = preset.configuration
    for item in rules {
      let parts = item.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      guard parts.count == 2, let rule = Endpointing.Rule(rawValue: parts[0]) else {
        let known = Endpointing.Rule.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--endpoint-rules: \(item) is none of \(known), with = and seconds.")
      }
      try set(rule, to: parts[1], in: &configuration)
    }
    return configuration
  }

  func validate() throws { _ = try configuration() }

  private static func set(
    _ rule: Endpointing.Rule, to value: String, in configuration: inout Endpointing.Configuration
  )
    throws
  {
    let isOff = value == "off"
    let seconds = value.split(separator: "/").compactMap { Double($0) }
    let count = rule == .pauseInLongUtterance ? 2 : 1
    guard isOff || (seconds.count == count && seconds.allSatisfy { (0.1...3600).contains($0) }) else {
      throw ValidationError(
        "--endpoint-rules: \(rule.rawValue) is off, or \(count == 2 ? "LENGTH/PAUSE, both" : "a length of") 0.1 to 3600 seconds, and not \(value)."
      )
    }
    switch rule {
    case .silenceAfterSpeech: configuration.silenceAfterSpeech = seconds.first
    case .silenceWithoutSpeech: configuration.silenceWithoutSpeech = seconds.first
    case .longestUtterance: configuration.longestUtterance = seconds.first
    case .pauseInLongUtterance:
      configuration.longUtterance = seconds.first
      configuration.shortPause = seconds.last ?? configuration.shortPause
    }
  }
}
