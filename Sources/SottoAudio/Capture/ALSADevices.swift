// Which capture devices there are.
import CSottoALSA
import Foundation

/// A device that audio can be captured from.
public struct CaptureDevice: Sendable, Hashable {
  /// For `ALSACapture(device:)`. It has the card's id and not its number, which changes from start to start.
  public var name: String
  public var description: String
  /// Whether it is what is taken where none is named.
  public var isDefault: Bool
  /// What it can; nil where it cannot be asked.
  public var abilities: Abilities?
  /// Why it cannot be asked or used now, as one line.
  public var problem: String?

  public struct Abilities: Sendable, Hashable {
    /// Of the usual rates, in samples a second.
    public var rates: [Int]
    public var channels: ClosedRange<Int>
    public var formats: [CaptureFormat.Sample]
  }
}

public enum ALSADevices {
  /// All capture devices: the default one, those that ALSA's configuration names, and those of the cards.
  public static func all() -> [CaptureDevice] {
    var devices = hints() + cards()
    if !devices.contains(where: \.isDefault) {
      devices.insert(device(ALSACapture.defaultDevice, "the default device"), at: 0)
    }
    // A default that leads nowhere is none.
    devices.removeAll {
      $0.isDefault && $0.abilities == nil && $0.problem == AudioError.noDefaultDevice.description
    }
    return devices
  }

  /// Their names, without opening them.
  static func names() -> [String] { hintNames().map(\.name) + cardNames().map(\.name) }

  private static let usualRates = [
    8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000,
  ]

  /// PCMs of alsa-plugins and alsa-lib that convert or drop samples, and are no devices.
  private static let converters: Set<String> = [
    "null", "lavrate", "samplerate", "speexrate", "speex", "upmix", "vdownmix", "oss", "jack", "usbstream",
  ]

  private static func hints() -> [CaptureDevice] { hintNames().map { device($0.name, $0.description) } }

  /// What the configuration shows. Names with a card in them are variants of the cards' devices.
  private static func hintNames() -> [(name: String, description: String)] {
    sotto_alsa_be_quiet()
    var list: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    guard snd_device_name_hint(-1, "pcm", &list) == 0, let list else { return [] }
    defer { snd_device_name_free_hint(list) }
    var found: [(String, String)] = []
    var index = 0
    while let hint = list[index] {
      index += 1
      guard let name = text(hint, "NAME"), text(hint, "IOID") ?? "Input" == "Input" else { continue }
      guard !name.contains(":"), !converters.contains(name) else { continue }
      found.append(
        (name, text(hint, "DESC").map { oneLine($0.replacingOccurrences(of: "\n", with: ", ")) } ?? ""))
    }
    return found
  }

  private static func text(_ hint: UnsafeMutableRawPointer, _ key: String) -> String? {
    guard let value = snd_device_name_get_hint(hint, key) else { return nil }
    defer { free(value) }
    return String(cString: value)
  }

  private static func cards() -> [CaptureDevice] { cardNames().map { device($0.name, $0.description) } }

  private static func cardNames() -> [(name: String, description: String)] {
    sotto_alsa_be_quiet()
    var found: [(String, String)] = []
    var card: Int32 = -1
    while snd_card_next(&card) == 0, card >= 0 {
      var control: OpaquePointer?
      guard snd_ctl_open(&control, "hw:\(card)", 0) == 0, let control else { continue }
      defer { snd_ctl_close(control) }
      var info: OpaquePointer?
      guard snd_ctl_card_info_malloc(&info) == 0, let info else { continue }
      defer { snd_ctl_card_info_free(info) }
      guard snd_ctl_card_info(control, info) == 0 else { continue }
      let id = String(cString: snd_ctl_card_info_get_id(info))
      let title = String(cString: snd_ctl_card_info_get_name(info))
      for (number, name) in captureDevices(control) {
        found.append(("hw:CARD=\(id),DEV=\(number)", oneLine("\(title), \(name)")))
      }
    }
    return found
  }

  private static func captureDevices(_ control: OpaquePointer) -> [(number: Int32, name: String)] {
    var found: [(Int32, String)] = []
    var info: OpaquePointer?
    guard snd_pcm_info_malloc(&info) == 0, let info else { return [] }
    defer { snd_pcm_info_free(info) }
    var number: Int32 = -1
    while snd_ctl_pcm_next_device(control, &number) == 0, number >= 0 {
      snd_pcm_info_set_device(info, UInt32(number))
      snd_pcm_info_set_subdevice(info, 0)
      snd_pcm_info_set_stream(info, SND_PCM_STREAM_CAPTURE)
      guard snd_ctl_pcm_info(control, info) == 0 else { continue }
      found.append((number, String(cString: snd_pcm_info_get_name(info))))
    }
    return found
  }

  private static func device(_ name: String, _ description: String) -> CaptureDevice {
    var device = CaptureDevice(
      name: name, description: description, isDefault: name == ALSACapture.defaultDevice, abilities: nil,
      problem: nil)
    do {
      device.abilities = try abilities(name)
    } catch {
      // Without the names of the others, which are listed anyway.
      device.problem =
        switch ALSACapture.explain(error, device: name) {
        case .noSuchDevice: error.reason
        case let problem: problem.description
        }
    }
    return device
  }

  private static func abilities(_ name: String) throws(ALSAFailure) -> CaptureDevice.Abilities {
    let pcm = try ALSAInput.open(name)
    defer { snd_pcm_close(pcm) }
    return try ALSAMemory.hardware { (params) throws(ALSAFailure) in
      try alsa("snd_pcm_hw_params_any") { snd_pcm_hw_params_any(pcm, params) }
      _ = snd_pcm_hw_params_set_rate_resample(pcm, params, 0)
      var (least, most): (UInt32, UInt32) = (1, 1)
      try alsa("snd_pcm_hw_params_get_channels_min") { snd_pcm_hw_params_get_channels_min(params, &least) }
      try alsa("snd_pcm_hw_params_get_channels_max") { snd_pcm_hw_params_get_channels_max(params, &most) }
      return CaptureDevice.Abilities(
        rates: usualRates.filter { snd_pcm_hw_params_test_rate(pcm, params, UInt32($0), 0) == 0 },
        channels: Int(least)...max(Int(most), Int(least)),
        formats: CaptureFormat.Sample.allCases.filter { ALSAInput.canUse(pcm, params, $0) })
    }
  }
}
