import TensorMath
import TestSupport
import Testing

private func random(_ rows: Int, _ columns: Int, _ source: inout RandomSource) -> Matrix {
  Matrix(rows: rows, columns: columns, elements: ContiguousArray((0..<rows * columns).map { _ in source.nextNormal() }))
}

@Suite struct MatrixProductTests {
  @Test(arguments: [(1, 1, 1), (3, 5, 7), (300, 17, 64), (257, 129, 33)])
  func agreesWithTheDefinition(m: Int, n: Int, k: Int) {
    var source = RandomSource(seed: 1)
    let a = random(m, k, &source), b = random(k, n, &source)
    var expected = Matrix(rows: m, columns: n)
    for i in 0..<m { for j in 0..<n { for l in 0..<k { expected[i, j] += a[i, l] * b[l, j] } } }
    expectClose(matrixProduct(a, b).elements, expected.elements, tolerance: 1e-4)
  }

  @Test func isTheSameBitForBitOnOneThreadAndTwo() {
    var source = RandomSource(seed: 2)
    let a = random(1000, 48, &source), b = random(31, 48, &source)
    let before = Parallelism.threadCount
    Parallelism.threadCount = 1
    let one = matrixProduct(a, b, transposingRight: true)
    Parallelism.threadCount = 2
    let two = matrixProduct(a, b, transposingRight: true)
    Parallelism.threadCount = before
    #expect(one == two)
  }

  /// A night of one item must find the bits that a night of all items found.
  @Test(arguments: [(640, 128), (48, 31), (2048, 128)], [false, true])
  func aRowIsTheSameAloneAndAmongOthers(shape: (k: Int, n: Int), transposes: Bool) {
    guard PackedMatrix.hasPanels else { return }
    var source = RandomSource(seed: 4)
    let a = random(300, shape.k, &source)
    let b = transposes ? random(shape.n, shape.k, &source) : random(shape.k, shape.n, &source)
    let whole = matrixProduct(a, b, transposingRight: transposes)
    for row in [0, 7, 255, 256, 299] {
      #expect(matrixProduct(a.rows(row..<row + 1), b, transposingRight: transposes) == whole.rows(row..<row + 1))
    }
    #expect(matrixProduct(a.rows(3..<41), b, transposingRight: transposes) == whole.rows(3..<41))
  }

  @Test func eigenvectorsReconstructTheMatrix() {
    var source = RandomSource(seed: 3)
    let x = random(40, 12, &source)
    let gram = matrixProduct(Matrix(rows: 12, columns: 40, elements: transposed(x)), x)
    let eigen = SymmetricEigen(of: gram)
    #expect(eigen.values == eigen.values.sorted(by: >))
    var scaled = eigen.vectors
    for i in 0..<12 { for j in 0..<12 { scaled[i, j] *= eigen.values[i] } }
    let rebuilt = matrixProduct(Matrix(rows: 12, columns: 12, elements: transposed(eigen.vectors)), scaled)
    expectClose(rebuilt.elements, gram.elements, tolerance: 1e-3)
  }
}

private func transposed(_ m: Matrix) -> ContiguousArray<Float> {
  ContiguousArray((0..<m.columns).flatMap { j in (0..<m.rows).map { i in m[i, j] } })
}
