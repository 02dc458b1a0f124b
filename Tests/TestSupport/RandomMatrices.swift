public import TensorMath

/// A matrix of standard normal deviates.
public func normalMatrix(_ rows: Int, _ columns: Int, using random: inout RandomSource) -> Matrix {
  Matrix(
    rows: rows, columns: columns, elements: ContiguousArray((0..<rows * columns).map { _ in random.nextNormal() }))
}

/// Rows around `centers` random points, `spread` apart from them in every dimension; the first centers get more rows.
public func clusteredMatrix(
  _ rows: Int, _ columns: Int, centers: Int, spread: Float = 0.3, using random: inout RandomSource
) -> Matrix {
  let points = normalMatrix(centers, columns, using: &random)
  var result = Matrix(rows: rows, columns: columns)
  for row in 0..<rows {
    let center = min(Int.random(in: 0..<centers, using: &random), Int.random(in: 0..<centers, using: &random))
    for column in 0..<columns { result[row, column] = points[center, column] + spread * random.nextNormal() }
  }
  return result
}

/// Runs `body` on a number of threads and returns its result; restores the count.
public func withThreads<Result>(_ count: Int, _ body: () throws -> Result) rethrows -> Result {
  let former = Parallelism.threadCount
  Parallelism.threadCount = count
  defer { Parallelism.threadCount = former }
  return try body()
}
