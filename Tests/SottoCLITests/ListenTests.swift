// `sotto listen`, run from outside, hears a virtual microphone of ALSA with a real clock.

import Foundation
import SottoAudio
import SottoTestSupport
import Testing

@testable import SottoCLI

@Suite struct ListenTests {
  private static let model = TestSignal.goldenPath("random-stream.safetensors")

  /// Half a second of silence, and two phrases.
  private static func speech() throws -> [Int16] {
    let phrases = try TestSignal.phrases().joined()
    return ([Float](repeating: 0, count: 8_000) + phrases).map { Int16($0 * 32_768) }
  }

  /// A line of the shell in which `$sotto` is the program and `$listen` has it listen with the model.
  ///
  /// On a thread of its own: these programs mostly wait, and so many of them can do so at once.
  private static func shell(
    _ line: String, microphone: Microphone, in folder: TemporaryFolder
  ) async throws -> Program.Result {
    let program = try Program.built("sotto").path
    let environment = microphone.environment.merging([
      "sotto": program, "listen": "\(program) listen --model \(model)", "faults": microphone.faults,
      "SOTTO_CONTROL": folder("socket"), "XDG_CONFIG_HOME": "/nowhere", "SOTTO_MODELS": "",
    ]) { $1 }
    return try await withCheckedThrowingContinuation { continuation in
      Thread {
        continuation.resume(
          with: Result {
            try Program(path: "/bin/sh").run(["-c", line], environment: environment, folder: folder.path)
          })
      }.start()
    }
  }

  private static func recording(_ path: String) throws -> (samples: [Float], warning: String?) {
    let source = try AudioInput(path).open()
    var samples: [Float] = []
    while true {
      let piece = try source.read(count: 16_000)
      if piece.isEmpty { return (samples, source.warning) }
      samples += piece
    }
  }

  // MARK: Text

  @Test func interruptFinishesTheUtterance() async throws {
    let folder = try TemporaryFolder()
    let result = try await Self.shell(
      "timeout --foreground --preserve-status -s INT 2.9 $listen --save heard.flac --append notes.txt",
      microphone: Microphone(Self.speech()), in: folder)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    #expect(!result.output.isEmpty)
    #expect(try folder.text("notes.txt") == result.output)
    // What was said is recognised as the recording of it is.
    let again = try Sotto.run(["transcribe", "--model", Self.model, "heard.flac"], in: folder)
    #expect(again.output == result.output)
  }

  @Test func events() async throws {
    let result = try await Self.shell(
      "$listen --format jsonl --duration 3.2 --endpoint fast", microphone: Microphone(Self.speech()),
      in: TemporaryFolder())
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    let events = try Sotto.objects(result.output)
    let names = events.compactMap { $0["event"] as? String }
    #expect(names.count == events.count && names.first == "device")
    #expect(Set(names).isSubset(of: ["device", "ready", "level", "speech-start", "partial", "final"]))
    #expect(events.first { $0["event"] as? String == "ready" }?["version"] as? Int == 1)
    let final = try #require(events.last { $0["event"] as? String == "final" })
    let words = try #require(final["words"] as? [[String: Any]])
    #expect(words.compactMap { $0["text"] as? String }.joined(separator: " ") == final["text"] as? String)
    let time = try #require(final["time"] as? Double)
    #expect(time <= 3.2 && words.allSatisfy { ($0["end"] as? Double ?? 9) <= time + 0.2 })
    // Every utterance is announced before it has words.
    #expect(names.count { $0 == "final" } <= names.count { $0 == "speech-start" })
    let levels = events.filter { $0["event"] as? String == "level" }.compactMap { $0["peak"] as? Double }
    #expect(levels.contains { $0 > -40 } && levels.allSatisfy { $0 <= 0 })
  }

  @Test func terminal() async throws {
    let folder = try TemporaryFolder()
    let result = try await Self.shell(
      "TERM=xterm script -qec \"$listen --duration 3.2\" /dev/null", microphone: Microphone(Self.speech()),
      in: folder)
    #expect(result.status == 0)
    #expect(result.output.contains("listening") && result.output.contains("\u{1B}[2m"))
    // At the end only the texts are left: the last line of state was erased.
    #expect(result.output.hasSuffix("\r\u{1B}[K"), "\(result.output.suffix(40))")
  }

  // MARK: Losses

  @Test func lossesAreToldAndTimeStaysTrue() async throws {
    let folder = try TemporaryFolder()
    let result = try await Self.shell(
      """
      $listen --format jsonl --save heard.flac > events & p=$!
      sleep 0.7; kill -STOP $p; sleep 1.4; kill -CONT $p
      sleep 0.4; echo suspend > $faults
      sleep 0.4; echo gone > $faults; sleep 0.3; rm $faults
      sleep 0.8; kill -TERM $p; wait $p
      """, microphone: Microphone(Microphone.ramp(seconds: 30)), in: folder)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    let events = try Sotto.objects(folder.text("events"))
    let losses = events.filter { $0["event"] as? String == "overrun" }
    #expect(losses.compactMap { $0["cause"] as? String } == ["overrun", "suspend", "device"])
    #expect(losses.compactMap { $0["count"] as? Int } == [1, 2, 3])
    let states = events.filter { $0["event"] as? String == "device" }.compactMap { $0["state"] as? String }
    #expect(states == ["opened", "lost", "reopened"])
    // Every sample that was heard lies where it belongs, by one and the same clock.
    let heard = try Self.recording(folder("heard.flac"))
    let shifts = heard.samples.enumerated().compactMap { index, sample in
      Microphone.place(sample).map { ($0 - Double(index) / 16_000).remainder(dividingBy: 4) }
    }
    #expect(shifts.count > 16_000 && shifts.count < heard.samples.count - 16_000)
    let (least, most) = (shifts.min() ?? 0, shifts.max() ?? 1)
    #expect(most - least < 0.15, "\(least)...\(most)")
  }

  /// Ten minutes at twenty times the pace of time: every sample is there, or told as lost and in its place; memory stays as it is.
  @Test func tenMinutes() async throws {
    let folder = try TemporaryFolder()
    let result = try await Self.shell(
      """
      $listen --format jsonl --save heard.flac > events & p=$!
      sleep 8; grep VmRSS /proc/$p/status; sleep 22; grep VmRSS /proc/$p/status
      kill -TERM $p; wait $p
      """, microphone: Microphone(Microphone.ramp(seconds: 4), pace: 20, loops: true), in: folder)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    let memory = result.output.split(separator: "\n").compactMap {
      $0.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }
    #expect(memory.count == 2 && memory[1] < memory[0] + 3_000, "\(result.output)")
    let heard = try Self.recording(folder("heard.flac")).samples
    #expect(heard.count > 16_000 * 500)
    // What a busy machine lost is silence, as much as it was told to be; where nothing was lost, no sample is out of place.
    let places = heard.enumerated().compactMap { index, sample in
      Microphone.place(sample).map { ($0 - Double(index) / 16_000).remainder(dividingBy: 4) }
    }
    let events = try Sotto.objects(folder.text("events"))
    let missing = events.filter { $0["event"] as? String == "overrun" }.compactMap {
      $0["missing"] as? Double
    }
    let silent = Double(heard.count - places.count) / 16_000
    #expect(abs(silent - missing.reduce(0, +)) < 0.1, "\(silent) s of silence, told \(missing)")
    if missing.isEmpty {
      #expect((places.max() ?? 1) - (places.min() ?? 0) < 0.001)
    }
  }

  @Test func aKillLeavesTheRecording() async throws {
    let folder = try TemporaryFolder()
    let result = try await Self.shell(
      "$listen --save heard.flac & p=$!; sleep 1.2; kill -KILL $p; wait $p",
      microphone: Microphone(Microphone.ramp(seconds: 5)), in: folder)
    #expect(result.status == 128 + 9)
    let heard = try Self.recording(folder("heard.flac"))
    #expect(heard.warning == nil && heard.samples.count > 8_000 && heard.samples.count % 320 == 0)
    #expect(zip(heard.samples, heard.samples.dropFirst()).allSatisfy { $0 <= $1 })
  }

  @Test func otherRatesAndChannels() async throws {
    let folder = try TemporaryFolder()
    let tone = (0..<96_000).flatMap { index -> [Int16] in
      let sample = Int16(8_000 * sin(2 * Double.pi * 1_000 * Double(index) / 48_000))
      return [sample, sample]
    }
    let result = try await Self.shell(
      "$listen --duration 1 --save heard.flac --verbose",
      microphone: Microphone(tone, rate: 48_000, channels: 2), in: folder)
    #expect(result.status == 0 && result.errors.contains("48000 Hz, s16, 2 channels"), "\(result.errors)")
    let heard = try Self.recording(folder("heard.flac")).samples.dropFirst(1_600)
    let crossings = zip(heard, heard.dropFirst()).count { $0 < 0 && $1 >= 0 }
    #expect(abs(Double(crossings) / (Double(heard.count) / 16_000) - 1_000) < 5)
  }

  // MARK: Devices

  @Test(arguments: [
    ("busy", "in use by another program"), ("denied", "permission denied"), ("gone", "sotto devices lists"),
  ])
  func devicesThatCannotBeOpened(fault: String, message: String) async throws {
    let microphone = try Microphone([])
    try microphone.fault(fault)
    let result = try await Self.shell("$listen", microphone: microphone, in: TemporaryFolder())
    #expect(
      result.status == 3 && result.output.isEmpty && result.errors.contains(message), "\(result.errors)")
  }

  @Test func devicesThatAreMissing() async throws {
    let result = try await Self.shell(
      "$listen --device nowhere --save a.flac; s=$?; [ -e a.flac ] || exit $s", microphone: Microphone([]),
      in: TemporaryFolder())
    #expect(result.status == 3)
    #expect(result.errors.hasPrefix("sotto: nowhere: no such capture device (found: mic, default"))
  }

  @Test func listOfDevices() async throws {
    let microphone = try Microphone([], rate: 44_100, channels: 2)
    let table = try Sotto.run(["devices"], environment: microphone.environment)
    #expect(table.status == 0)
    let rows = table.output.split(separator: "\n")
    #expect(
      rows.contains { $0.hasPrefix("*  default") && $0.contains("  2         44100  s16") }, "\(table.output)"
    )
    let json = try Sotto.run(["devices", "--format", "json"], environment: microphone.environment)
    let list = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
    let mic = try #require(list.first { $0["name"] as? String == "mic" })
    #expect(mic["rates"] as? [Int] == [44_100] && mic["default"] as? Bool == false)
    let level = try Sotto.run(
      ["devices", "--meter", "--seconds", "0.3"], environment: microphone.environment)
    #expect(level.status == 0 && level.output.contains("silence: the microphone is muted"), "\(level.output)")
    try microphone.fault("busy")
    let busy = try Sotto.run(["devices"], environment: microphone.environment)
    #expect(busy.status == 3 && busy.output.contains("default"), "\(busy)")
    #expect(busy.errors.contains("none of these devices can be used now"))
  }

  // MARK: Commands

  @Test func aSecondSignalLeavesAtOnce() async throws {
    let folder = try TemporaryFolder()
    let result = try await Self.shell(
      """
      $listen --exec 'cat > said; sleep 20' & p=$!
      sleep 2.4; kill -TERM $p; sleep 1; kill -TERM $p; wait $p
      """, microphone: Microphone(Self.speech()), in: folder)
    #expect(result.status == 128 + 15)
    #expect(!result.output.isEmpty)
    #expect(result.output.hasPrefix(try folder.text("said")))
  }

  @Test func controlledFromElsewhere() async throws {
    let folder = try TemporaryFolder()
    let result = try await Self.shell(
      """
      $listen --control --paused > text & p=$!
      until [ -S socket ]; do sleep 0.02; done; sleep 0.2
      $sotto control status; $sotto control toggle; sleep 2; $sotto control finish > finished; $sotto control stop
      sleep 0.5; $sotto control nonsense; echo $?
      kill -TERM $p; wait $p; $sotto control status; echo $?; [ -e socket ]
      """, microphone: Microphone(Self.speech()), in: folder)
    #expect(result.output == "paused\nlistening\npaused\n2\n1\n" && result.status == 1, "\(result)")
    #expect(result.errors.contains("no session listens"))
    #expect(try !folder.text("finished").isEmpty)
    #expect(try folder.text("text").hasPrefix(folder.text("finished")))
  }
}
