// The Fourier transform of real frames, by FFTW in single precision. The unsafe buffers of this module live here.

import CSottoFFTW
import Synchronization

/// FFTW executes plans from any number of threads at once, but makes and destroys them one at a time.
private let plannerLock = Mutex(())

/// A real-to-complex transform of a fixed length. The plan is made once and shared by all threads; each of them
/// brings its own `Workspace`.
///
/// The plan is FFTW's estimate: made in microseconds, and the same in every run, so that features are bit for bit
/// the same in every run too. A measured plan would win nothing that shows beside the rest of recognition.
final class FourierTransform: @unchecked Sendable {
  /// Points of a frame.
  let length: Int
  /// Frequencies of the result, from 0 to half the sample rate.
  var bins: Int { length / 2 + 1 }
  private let plan: fftwf_plan

  init(length: Int) throws(FeatureError) {
    let workspace = Workspace(length: length)
    let plan = plannerLock.withLock { _ in
      // A Sendable disguise: the pointer leaves the lock, which guards the planner and not the plan.
      UInt(
        bitPattern: fftwf_plan_dft_r2c_1d(
          Int32(clamping: length), workspace.frame.baseAddress, workspace.spectrum, FFTW_ESTIMATE))
    }
    guard let plan = fftwf_plan(bitPattern: plan) else { throw .noTransform(points: length) }
    self.length = length
    self.plan = plan
  }

  deinit {
    let plan = UInt(bitPattern: plan)
    plannerLock.withLock { _ in fftwf_destroy_plan(fftwf_plan(bitPattern: plan)) }
  }

  /// Replaces `workspace.power` by the squared magnitudes of the transform of `workspace.frame`.
  func powerSpectrum(in workspace: Workspace) {
    precondition(workspace.length == length, "workspace of another transform")
    fftwf_execute_dft_r2c(plan, workspace.frame.baseAddress, workspace.spectrum)
    let interleaved = UnsafeRawPointer(workspace.spectrum).assumingMemoryBound(to: Float.self)
    for bin in 0..<workspace.power.count {
      let real = interleaved[2 * bin]
      let imaginary = interleaved[2 * bin + 1]
      workspace.power[bin] = real * real + imaginary * imaginary
    }
  }

  /// Memory for one transform at a time, aligned alike for every workspace, as a shared plan needs it.
  final class Workspace {
    let length: Int
    /// The input, [length]; undefined after a transform.
    let frame: UnsafeMutableBufferPointer<Float>
    /// The result, [length / 2 + 1].
    let power: UnsafeMutableBufferPointer<Float>
    fileprivate let spectrum: UnsafeMutablePointer<fftwf_complex>

    init(length: Int) {
      let bins = length / 2 + 1
      self.length = length
      frame = Self.alignedZeros(of: Float.self, count: length)
      power = Self.alignedZeros(of: Float.self, count: bins)
      let interleaved = Self.alignedZeros(of: Float.self, count: 2 * bins)
      spectrum = UnsafeMutableRawPointer(interleaved.baseAddress!).bindMemory(
        to: fftwf_complex.self, capacity: bins)
    }

    deinit {
      frame.deallocate()
      power.deallocate()
      spectrum.deallocate()
    }

    private static func alignedZeros<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>(
      of type: Element.Type, count: Int
    ) -> UnsafeMutableBufferPointer<Element> {
      let raw = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(count, 1) * MemoryLayout<Element>.stride, alignment: 64)
      let buffer = raw.bindMemory(to: type)
      buffer.initialize(repeating: 0)
      return buffer
    }
  }
}
