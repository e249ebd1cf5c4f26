// Position vectors that are computed, not stored.

import Glibc
import SottoKernels

/// Whisper's sinusoids (`sinusoids` of openai/whisper; Vaswani et al. 2017, section 3.5): sines of `width` / 2
/// frequencies from 1 down to 1 / 10,000, then their cosines.
///
/// - Returns: [count, width], `width` even.
func sinusoidalPositions(count: Int, width: Int) -> Matrix {
  let half = width / 2
  let step = half > 1 ? log(10_000) / Double(half - 1) : 0
  var positions = Matrix(rows: count, columns: width)
  positions.withUnsafeMutableElements { elements in
    for column in 0..<half {
      let frequency = Float(exp(-step * Double(column)))
      for row in 0..<count {
        let angle = Float(row) * frequency
        elements[row * width + column] = sinf(angle)
        elements[row * width + half + column] = cosf(angle)
      }
    }
  }
  return positions
}
