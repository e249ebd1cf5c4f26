// The features of three seconds of real speech, and the filter bank, against SciPy.

import Foundation
import SottoTestSupport
import Testing

@testable import SottoFeatures

@Suite struct SpeechGoldenTests {
  @Test func featuresOfSpeech() throws {
    let features = try LogMel()(try TestSignal.samples("speech.s16"))
    let golden = try TestSignal.values("log-mel.f32")
    #expect(features.elements.count == golden.count)
    #expect(zip(features.elements, golden).allSatisfy { abs($0 - $1) < 1e-4 })
  }
}
