// The parts of the capture: ring, meter, formats of devices, recordings.

import Foundation
import SottoTestSupport
import Testing

@testable import SottoAudio

@Suite struct RingBufferTests {
  @Test func elementsComeInOrderAndOnce() {
    let ring = RingBuffer<Int>(capacity: 100)
    #expect(ring.capacity == 128)
    let total = 50_000
    let thread = Thread {
      var next = 0
      while next < total {
        let piece = Array(next..<min(next + next % 37 + 1, total))
        if piece.withUnsafeBufferPointer({ ring.write($0) }) { next += piece.count } else { sched_yield() }
      }
    }
    thread.start()
    var next = 0
    while next < total {
      for element in ring.read(next % 53 + 1) {
        guard element == next else { return #expect(element == next) }
        next += 1
      }
    }
    #expect(ring.count == 0 && ring.peek() == nil)
  }

  @Test func whatHasNoRoomIsRefusedWhole() {
    let ring = RingBuffer<UInt8>(capacity: 4)
    #expect([1, 2, 3].withUnsafeBufferPointer { ring.write($0) })
    #expect(![4, 5].withUnsafeBufferPointer { ring.write($0) })
    #expect(ring.write(6) && !ring.write(7))
    #expect(ring.peek() == 1 && ring.read(9) == [1, 2, 3, 6] && ring.read(1).isEmpty)
  }
}

@Suite struct LossWatchTests {
  /// Reads of 20 ms for a minute, some of them late, from a device whose clock is 200 ppm slow.
  @Test(arguments: [0, 0.2, 3]) func lossesAndNothingElse(loss: Double) {
    var watch = LossWatch()
    var (audio, found) = (0.0, [Double]())
    for read in 1...3_000 {
      let captured = Double(read) * 0.02 * 1.0002 + (read > 1_500 ? loss : 0)
      let delay = Double(read % 17) * 0.01 + (read % 400 < 15 ? 0.3 : 0)
      audio += 0.02
      let missing = watch.observe(clock: 77 + captured + delay, audio: audio)
      if missing > 0 { found.append(missing) }
      audio += missing
    }
    #expect(found.count == (loss > 0 ? 1 : 0))
    #expect(found.allSatisfy { abs($0 - loss) < 0.01 }, "\(found)")
  }
}

@Suite struct LevelMeterTests {
  @Test func levels() {
    var meter = LevelMeter()
    meter.push(TestSignal.tone(hertz: 1_000, seconds: 1, amplitude: 0.5))
    #expect(
      abs(meter.mean - -9.03) < 0.02 && abs(meter.level - -9.03) < 0.02 && abs(meter.peak - -6.02) < 0.01)
    meter.push(TestSignal.silence(seconds: 1))
    #expect(abs(meter.level - -39.03) < 0.1)
    meter.reset()
    meter.push([.nan, .infinity])
    #expect(meter.peak == LevelMeter.floor && meter.mean == LevelMeter.floor)
  }
}

@Suite struct CaptureFormatTests {
  @Test(arguments: [
    (CaptureFormat.Sample.u8, [192, 64] as [UInt8]), (.s16, [0, 64, 0, 192]), (.s24, [0, 0, 64, 0, 0, 192]),
    (.s24in32, [0, 0, 64, 99, 0, 0, 192, 99]), (.s32, [0, 0, 0, 64, 0, 0, 0, 192]),
    (.f32, [0, 0, 0, 63, 0, 0, 0, 191]),
  ])
  func samples(sample: CaptureFormat.Sample, bytes: [UInt8]) {
    #expect(CaptureFormat(sample, rate: 16_000, channels: 1).mono(bytes) == [0.5, -0.5])
    #expect(CaptureFormat(sample, rate: 16_000, channels: 2).mono(bytes) == [0])
  }

  @Test func noSoundBecomesSilence() {
    let bytes = [Float.nan, .infinity, 1e9, 0.25].flatMap { value in withUnsafeBytes(of: value) { Array($0) }
    }
    #expect(CaptureFormat(.f32, rate: 16_000, channels: 1).mono(bytes) == [0, 0, 0, 0.25])
  }
}

@Suite struct FLACWriterTests {
  private static func read(_ path: String) throws -> [Float] {
    let source = try AudioInput(path).open()
    var samples: [Float] = []
    while true {
      let piece = try source.read(count: 4_096)
      if piece.isEmpty {
        #expect(source.warning == nil)
        return samples
      }
      samples += piece
    }
  }

  /// libsndfile gives every sample back: speech, extremes, noise (which is stored as it is), and silence.
  @Test func everySampleComesBack() throws {
    let folder = try TemporaryFolder()
    var samples = try TestSignal.phrases().joined() + TestSignal.silence(seconds: 0.3)
    samples += TestSignal.noise(.white, decibels: -3, seconds: 0.5)
    samples += (0..<1_000).map { $0 % 2 == 0 ? 1 : -1 }
    let writer = try FLACWriter(path: folder("a.flac"))
    var start = 0
    while start < samples.count {
      let end = min(start + start % 501 + 1, samples.count)
      try writer.write(Array(samples[start..<end]))
      start = end
    }
    let before = try Self.read(folder("a.flac"))
    #expect(before.count == samples.count / 320 * 320)
    try writer.finish()
    let back = try Self.read(folder("a.flac"))
    #expect(back == samples.map { min(($0 * 32_768).rounded(), 32_767) / 32_768 })
    #expect(back.starts(with: before))
  }

  /// Numbers of frames take up to three bytes here.
  @Test func longRecordings() throws {
    let folder = try TemporaryFolder()
    let writer = try FLACWriter(path: folder("long.flac"))
    for second in 0..<60 { try writer.write([Float](repeating: Float(second) / 64, count: 16_000)) }
    try writer.finish()
    let back = try Self.read(folder("long.flac"))
    #expect(back.count == 60 * 16_000)
    #expect((0..<60).allSatisfy { back[$0 * 16_000 + 77] == Float($0) / 64 })
  }

  @Test func nothingIsOverwritten() throws {
    let folder = try TemporaryFolder()
    let mine = Array("mine".utf8)
    _ = try folder.write(mine, as: "a.flac")
    #expect(throws: AudioError.notWritable(folder("a.flac"), reason: "File exists")) {
      try FLACWriter(path: folder("a.flac"))
    }
    #expect(try contents(folder("a.flac")) == mine)
  }
}
