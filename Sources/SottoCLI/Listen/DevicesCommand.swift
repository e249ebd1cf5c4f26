// `sotto devices`: what can be listened to.

import ArgumentParser
import Foundation
import SottoAudio

struct DevicesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices",
    abstract: "List the microphones, or test the level of one.",
    usage: "sotto devices [--format FORMAT] [--meter] [--device NAME] [--seconds N]",
    discussion: """
      Lists ALSA's capture devices by names that stay the same from start to start,
      with the rates, channels and sample formats that they offer; * marks the one
      that sotto listen takes. A sound server (PipeWire, PulseAudio) is the device
      default, and shares a microphone among programs.

      --meter listens for some seconds and tells how loud it was, in decibels of
      full scale: speech should peak between -30 and -3.

      EXAMPLES:
        sotto devices
        sotto devices --format json
        sotto devices --meter --device hw:CARD=Microphone,DEV=0

      EXIT STATUS:
        0  there is a device that can be used
        2  wrong usage
        3  there is none, or the one to be tested cannot be opened
      """)

  @Option(name: .shortAndLong, help: "Format of the list.")
  var format = ReportFormat.txt

  @Flag(help: "Test the level instead.")
  var meter = false

  @Option(name: .shortAndLong, help: ArgumentHelp("Device to test.", valueName: "name"))
  var device = ALSACapture.defaultDevice

  @Option(help: ArgumentHelp("Length of the test.", valueName: "n"))
  var seconds = 5.0

  mutating func validate() throws {
    guard seconds > 0, seconds <= 3600 else { throw ValidationError("--seconds must be above 0, to 3600.") }
  }

  func run() throws {
    if meter { return try test() }
    let all = ALSADevices.all()
    let devices = all.filter(\.isDefault) + all.filter { !$0.isDefault }
    switch format {
    case .json: try StandardOutput().write(ReportFormat.json(devices.map(DeviceObject.init)))
    case .txt: try StandardOutput().write(Self.table(devices))
    }
    if devices.isEmpty { throw DeviceFailure(AudioError.noDefaultDevice.description) }
    if devices.allSatisfy({ $0.abilities == nil }) {
      throw DeviceFailure("none of these devices can be used now; what is wrong stands beside each")
    }
  }

  /// A row a device, and what is wrong with it below.
  static func table(_ devices: [CaptureDevice]) -> String {
    guard !devices.isEmpty else { return "" }
    var rows = [["", "NAME", "CHANNELS", "RATES", "FORMATS", "DESCRIPTION"]]
    for device in devices {
      let abilities = device.abilities
      rows.append([
        device.isDefault ? "*" : "", device.name, abilities.map { channels($0.channels) } ?? "-",
        abilities.map { list($0.rates.map(String.init)) } ?? "-",
        abilities.map { list($0.formats.map(\.rawValue)) } ?? "-",
        device.description + (device.problem.map { " (\($0))" } ?? ""),
      ])
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].columns }.max() ?? 0 }
    return rows.map { row in
      let cells = zip(row, widths).map { $0.rightPadded(to: $1) }
      return cells.joined(separator: "  ").trimmingSuffix(" ") + "\n"
    }.joined()
  }

  private static func channels(_ range: ClosedRange<Int>) -> String {
    range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
  }

  /// All where they are few, else the first and the last.
  private static func list(_ values: [String]) -> String {
    guard values.count > 4, let first = values.first, let last = values.last else {
      return values.isEmpty ? "-" : values.joined(separator: ",")
    }
    return "\(first)...\(last)"
  }

  // MARK: Level test

  private func test() throws {
    let capture: ALSACapture
    do { capture = try ALSACapture(device: device) } catch { throw DeviceFailure(error.description) }
    defer { Console.shared.clearProgress() }
    var meter = LevelMeter(sampleRate: capture.sampleRate)
    var count = 0
    let wanted = Int(seconds * Double(capture.sampleRate))
    while count < wanted {
      for case .samples(let samples) in try capture.read(waiting: 0.1) {
        let rest = samples.prefix(wanted - count)
        meter.push(Array(rest))
        count += rest.count
      }
      if Console.shared.isTerminal {
        let bar = LiveLine.meter(meter.level, cells: 30)
        Console.shared.showProgress("\(bar) \(Self.decibels(meter.level))")
      }
    }
    Console.shared.clearProgress()
    try StandardOutput().write(
      "\(capture.device) (\(capture.format)): mean \(Self.decibels(meter.mean)), peak \(Self.decibels(meter.peak)); "
        + Self.verdict(peak: meter.peak) + "\n")
  }

  private static func decibels(_ value: Double) -> String { String(format: "%.0f dB", value) }

  static func verdict(peak: Double) -> String {
    switch peak {
    case ..<(-80): "silence: the microphone is muted or not connected"
    case ..<(-45): "very quiet: turn its level up, or speak nearer to it"
    case ..<(-0.5): "good"
    default: "too loud: turn its level down"
    }
  }
}

private struct DeviceObject: Encodable {
  var name: String
  var description: String
  var isDefault: Bool
  var rates: [Int]?
  var channels: [Int]?
  var formats: [String]?
  var problem: String?

  enum CodingKeys: String, CodingKey {
    case name, description, rates, channels, formats, problem
    case isDefault = "default"
  }

  init(_ device: CaptureDevice) {
    (name, description, isDefault) = (device.name, device.description, device.isDefault)
    rates = device.abilities?.rates
    channels = device.abilities.map { [$0.channels.lowerBound, $0.channels.upperBound] }
    formats = device.abilities?.formats.map(\.rawValue)
    problem = device.problem
  }
}

extension String {
  fileprivate func trimmingSuffix(_ character: Character) -> String {
    var text = self
    while text.last == character { text.removeLast() }
    return text
  }
}
