// When each token was said, from where the decoder looked while it was written.

import Glibc

/// Aligns tokens and frames by dynamic time warping over cross-attention weights, as `timing.py` of openai/whisper does:
/// each head's weights are normalised over the tokens, smoothed over time by a median of 7, averaged over heads; the
/// path of largest sum that never goes back gives the times.
public enum CrossAttentionAlignment {
  private static let medianWidth = 7

  /// The frame at which each token begins, never decreasing.
  ///
  /// - Parameters:
  ///   - weights: attention of each token, [token][head * frames + frame].
  public static func starts(weights: [[Float]], heads: Int, frames: Int) -> [Int] {
    guard !weights.isEmpty, heads > 0, frames > 0, weights.allSatisfy({ $0.count >= heads * frames }) else {
      return Array(repeating: 0, count: weights.count)
    }
    var matrix = [[Float]](repeating: [Float](repeating: 0, count: frames), count: weights.count)
    for head in 0..<heads {
      let normalized = normalizedOverTokens(
        weights.map { Array($0[(head * frames)..<((head + 1) * frames)]) })
      for (token, row) in normalized.enumerated() {
        for (frame, value) in median(row).enumerated() { matrix[token][frame] += value / Float(heads) }
      }
    }
    return warp(matrix)
  }

  /// Each frame's weights shifted and scaled to mean 0 and deviation 1 over the tokens.
  private static func normalizedOverTokens(_ rows: [[Float]]) -> [[Float]] {
    var rows = rows
    let count = Float(rows.count)
    for frame in rows[0].indices {
      let mean = rows.reduce(0) { $0 + $1[frame] } / count
      let variance = rows.reduce(0) { $0 + ($1[frame] - mean) * ($1[frame] - mean) } / count
      let factor = variance > 0 ? 1 / variance.squareRoot() : 0
      for token in rows.indices { rows[token][frame] = (rows[token][frame] - mean) * factor }
    }
    return rows
  }

  private static func median(_ row: [Float]) -> [Float] {
    let reach = medianWidth / 2
    return row.indices.map { index in
      // Ends are reflected.
      let window = (-reach...reach).map { offset in
        let place = abs(index + offset)
        return row[max(0, place < row.count ? place : 2 * row.count - 2 - place)]
      }
      return window.sorted()[reach]
    }
  }

  /// The frame at which the path of largest sum through [token][frame] enters each token.
  private static func warp(_ matrix: [[Float]]) -> [Int] {
    let tokens = matrix.count
    let frames = matrix[0].count
    // sums[frame + 1]: the best path that ends at this token and frame; 0 diagonal, 1 next token, 2 next frame.
    var steps = [[UInt8]](repeating: [UInt8](repeating: 2, count: frames), count: tokens)
    var above = [Float](repeating: -.infinity, count: frames + 1)
    above[0] = 0
    for token in 0..<tokens {
      var sums = [Float](repeating: -.infinity, count: frames + 1)
      for frame in 0..<frames {
        let diagonal = above[frame]
        let down = above[frame + 1]
        let right = sums[frame]
        if diagonal >= down && diagonal >= right {
          sums[frame + 1] = diagonal + matrix[token][frame]
          steps[token][frame] = 0
        } else if down >= right {
          sums[frame + 1] = down + matrix[token][frame]
          steps[token][frame] = 1
        } else {
          sums[frame + 1] = right + matrix[token][frame]
        }
      }
      above = sums
    }
    var starts = [Int](repeating: 0, count: tokens)
    var (token, frame) = (tokens - 1, frames - 1)
    while token >= 0, frame >= 0 {
      starts[token] = frame
      switch steps[token][frame] {
      case 0:
        token -= 1
        frame -= 1
      case 1: token -= 1
      default: frame -= 1
      }
    }
    return starts
  }
}
