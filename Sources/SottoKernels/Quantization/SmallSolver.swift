// Least squares of a few unknowns.

/// Solves (A + ridge · I) x = b in place by Cholesky's method, A symmetric and not negative.
///
/// - Parameters:
///   - matrix: [count, count]; its lower triangle is read, and overwritten.
///   - vector: [count], b; on return x.
///   - ridge: relative to the mean of the diagonal. It keeps x small where columns of A are (nearly) dependent.
/// - Returns: false where A has no positive diagonal or is not finite; `vector` then holds nothing of use.
func solveRidged(
  _ matrix: UnsafeMutablePointer<Double>, _ vector: UnsafeMutablePointer<Double>, count: Int, ridge: Double
) -> Bool {
  var trace = 0.0
  for index in 0..<count { trace += matrix[index * count + index] }
  guard trace > 0, trace.isFinite else { return false }
  let damping = ridge * trace / Double(count)
  for column in 0..<count {
    var pivot = matrix[column * count + column] + damping
    for k in 0..<column { pivot -= matrix[column * count + k] * matrix[column * count + k] }
    // Rounding may leave less than the ridge of a dependent column.
    pivot = max(pivot, damping * 0.5).squareRoot()
    guard pivot > 0 else { return false }
    matrix[column * count + column] = pivot
    var value = vector[column]
    for k in 0..<column { value -= matrix[column * count + k] * vector[k] }
    vector[column] = value / pivot
    for row in (column + 1)..<max(count, column + 1) {
      var value = matrix[row * count + column]
      for k in 0..<column { value -= matrix[row * count + k] * matrix[column * count + k] }
      matrix[row * count + column] = value / pivot
    }
  }
  for row in stride(from: count - 1, through: 0, by: -1) {
    var value = vector[row]
    for k in (row + 1)..<max(count, row + 1) { value -= matrix[k * count + row] * vector[k] }
    vector[row] = value / matrix[row * count + row]
  }
  return (0..<count).allSatisfy { vector[$0].isFinite }
}
