import Testing

@testable import SottoKernels

@Suite struct CurvatureTests {
  @Test func factorIsThatOfTheInverse() throws {
    let n = 20
    let moments = correlatedMoments(n, seed: 11)
    let curvature = try #require(try Curvature(moments: moments, columnScale: nil, inputs: n, damping: 0.02))
    let (factor, damped, stride) = (curvature.factor.pointer, curvature.moments.pointer, curvature.stride)
    for row in 0..<n {
      for column in 0..<row { #expect(factor[row * stride + column] == 0) }
      for column in 0..<n {
        // (Uᵀ U) H = I.
        var value: Float = 0
        for k in 0..<n {
          for inner in 0...k {
            value += factor[inner * stride + row] * factor[inner * stride + k] * damped[k * stride + column]
          }
        }
        #expect(abs(value - (row == column ? 1 : 0)) < 1e-3)
      }
    }
    let mean = (0..<n).reduce(Float(0)) { $0 + damped[$1 * stride + $1] } / Float(n)
    #expect(abs(mean - 1.02) < 1e-4)
  }

  @Test func columnScalesChangeTheMoments() throws {
    let moments = Matrix(rows: 2, columns: 2, elements: [1, 0.5, 0.5, 1])
    let curvature = try #require(try Curvature(moments: moments, columnScale: [1, 3], inputs: 2, damping: 0))
    let values = (0..<2).map { row in (0..<2).map { curvature.moments.pointer[row * curvature.stride + $0] } }
    #expect(values == [[0.2, 0.3], [0.3, 1.8]])
  }

  /// Compensation by itself, before refinement, must already pay.
  @Test func compensationLowersTheObjective() throws {
    var random = SeededGenerator(state: 21)
    let n = 48
    let moments = correlatedMoments(n, seed: 13)
    let curvature = try Curvature(moments: moments, columnScale: nil, inputs: n, damping: 0.01)
    let importance = [Float](repeating: 1, count: n)
    var sums = [0.0, 0.0]
    let coder = RowCoder(
      inputs: n, group: 16, planes: 3, importance: importance, curvature: curvature, rounds: 0)
    let plain = RowCoder(inputs: n, group: 16, planes: 3, importance: importance, curvature: nil)
    for _ in 0..<8 {
      let row = (0..<n).map { _ in random.normal() }
      for (index, coder) in [plain, coder].enumerated() {
        coder.code(row)
        sums[index] += objective(row, coder, moments)
      }
    }
    #expect(sums[1] < 0.6 * sums[0])
  }

  private func objective(_ row: [Float], _ coder: RowCoder, _ moments: Matrix) -> Double {
    let error = row.indices.map { column in
      let scales = coder.scales.pointer + column / coder.group * coder.planes
      return (0..<coder.planes).reduce(row[column]) { rest, plane in
        rest - (coder.codes.pointer[column] >> UInt8(plane) & 1 == 1 ? scales[plane] : -scales[plane])
      }
    }
    var sum: Float = 0
    for row in error.indices {
      for column in error.indices { sum += error[row] * moments[row, column] * error[column] }
    }
    return Double(sum)
  }
}
