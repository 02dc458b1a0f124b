import RealModule
import TensorMath
import TestSupport
import Testing

/// Sums of rows and products, against sums in double precision.
@Suite struct SecondMomentsTests {
  @Test(arguments: [1, 7, 1023, 1024, 1025, 2500]) func sumsAreThoseOfAllRows(rows: Int) {
    var random = RandomSource(seed: UInt64(rows))
    let x = normalMatrix(rows, 5, using: &random)
    var moments = SecondMoments(columns: 5)
    moments.add(x)
    #expect(moments.count == rows && moments.columns == 5)
    for i in 0..<5 {
      let sum = (0..<rows).reduce(0.0) { $0 + Double(x[$1, i]) }
      #expect(abs(moments.sums[i] - sum) < 1e-9 * Double(rows) + 1e-9)
      #expect(abs(Double(moments.means[i]) - sum / Double(rows)) < 1e-9)
      for j in 0..<5 {
        let product = (0..<rows).reduce(0.0) { $0 + Double(x[$1, i]) * Double(x[$1, j]) }
        #expect(abs(moments.products[i * 5 + j] - product) < 2e-5 * Double(rows) + 1e-5)
        #expect(moments.products[i * 5 + j] == moments.products[j * 5 + i], "symmetric to the last bit")
        #expect(moments.momentsAboutZero[i, j] == Float(moments.products[i * 5 + j] * (1 / Double(rows))))
      }
    }
  }

  /// Rows may come in any pieces, as long as a piece's blocks are the same.
  @Test func piecesAddUp() {
    var random = RandomSource(seed: 2)
    let x = normalMatrix(3000, 4, using: &random)
    var whole = SecondMoments(columns: 4), pieces = SecondMoments(columns: 4)
    whole.add(x)
    for start in stride(from: 0, to: 3000, by: 1024) { pieces.add(x.rows(start..<min(3000, start + 1024))) }
    #expect(pieces.sums == whole.sums && pieces.products == whole.products && pieces.count == 3000)
    pieces.add(Matrix(rows: 0, columns: 4))
    #expect(pieces.count == 3000 && pieces.products == whole.products)
  }

  @Test func nothingHasMeansOfZero() {
    let none = SecondMoments(columns: 3)
    #expect(none.means == [0, 0, 0] && none.momentsAboutZero == Matrix(rows: 3, columns: 3) && none.count == 0)
    #expect(SecondMoments(columns: 0).momentsAboutZero.rows == 0)
  }

  @Test func theyAreTheSameOnAnyNumberOfThreads() {
    var random = RandomSource(seed: 3)
    let x = normalMatrix(2100, 70, using: &random)
    func products() -> [Double] {
      var moments = SecondMoments(columns: 70)
      moments.add(x)
      return moments.products
    }
    let one = withThreads(1, products)
    #expect(withThreads(4, products) == one)
  }
}

/// Eigenvalues and eigenvectors by their properties.
@Suite struct SymmetricEigenTests {
  private func product(_ matrix: Matrix, _ vector: ArraySlice<Float>) -> [Float] {
    let vector = Array(vector)
    return (0..<matrix.rows).map { row in zip(matrix.row(row), vector).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  @Test(arguments: [1, 2, 3, 10, 33, 64]) func everyVectorIsStretchedByItsValue(order: Int) {
    var random = RandomSource(seed: UInt64(order))
    var matrix = normalMatrix(order, order, using: &random)
    for i in 0..<order { for j in 0..<i { matrix[i, j] = matrix[j, i] } }
    let eigen = SymmetricEigen(of: matrix)
    #expect(eigen.values == eigen.values.sorted(by: >) && eigen.values.count == order)
    let trace = (0..<order).reduce(Float(0)) { $0 + matrix[$1, $1] }
    #expect(abs(eigen.values.reduce(0, +) - trace) < 1e-4 * Float(order))
    for (index, value) in eigen.values.enumerated() {
      let vector = eigen.vectors.row(index)
      expectClose(product(matrix, vector), vector.map { value * $0 }, tolerance: 1e-4)
      let peak = vector.max { abs($0) < abs($1) } ?? 0
      #expect(peak > 0, "the largest component is positive")
      for other in 0...index {
        let cosine = zip(vector, eigen.vectors.row(other)).reduce(Float(0)) { $0 + $1.0 * $1.1 }
        #expect(abs(cosine - (other == index ? 1 : 0)) < 1e-5)
      }
    }
  }

  @Test func aDiagonalsValuesAreItsElements() {
    var matrix = Matrix(rows: 4, columns: 4)
    for (index, value) in [2, -1, 7, 2].enumerated() { matrix[index, index] = Float(value) }
    let eigen = SymmetricEigen(of: matrix)
    #expect(eigen.values == [7, 2, 2, -1])
    #expect(Array(eigen.vectors.row(0)) == [0, 0, 1, 0] && Array(eigen.vectors.row(3)) == [0, 1, 0, 0])
  }

  @Test func nothingHasNoValues() {
    let eigen = SymmetricEigen(of: Matrix(rows: 0, columns: 0))
    #expect(eigen.values.isEmpty && eigen.vectors.rows == 0)
    #expect(SymmetricEigen(of: Matrix(rows: 3, columns: 3)).values == [0, 0, 0])
  }

  /// A matrix of one direction: all other values are nothing but rounding.
  @Test func aMatrixOfOneDirectionHasOneValue() {
    let direction: [Float] = [0.5, -0.5, 0.5, 0.5]
    var matrix = Matrix(rows: 4, columns: 4)
    for i in 0..<4 { for j in 0..<4 { matrix[i, j] = 12 * direction[i] * direction[j] } }
    let eigen = SymmetricEigen(of: matrix)
    #expect(abs(eigen.values[0] - 12) < 1e-5 && eigen.values.dropFirst().allSatisfy { abs($0) < 1e-5 })
    expectClose(eigen.vectors.row(0).map { abs($0) }, [0.5, 0.5, 0.5, 0.5], tolerance: 1e-6)
  }
}

/// Groups and sums of clusters against lists.
@Suite struct ClusterPropertyTests {
  @Test(arguments: 0..<10 as Range<UInt64>) func membersAreTheRowsOfEachCode(seed: UInt64) {
    var random = RandomSource(seed: seed)
    let clusters = Int.random(in: 1...40, using: &random), rows = Int.random(in: 0...300, using: &random)
    let codes = ContiguousArray((0..<rows).map { _ in UInt16.random(in: 0..<UInt16(clusters), using: &random) })
    let members = ClusterMembers(codes: codes, clusters: clusters)
    #expect(members.clusterCount == clusters && members.starts.first == 0 && members.starts.last == rows)
    for cluster in 0..<clusters {
      #expect(members[cluster].map { Int($0) } == (0..<rows).filter { Int(codes[$0]) == cluster })
      #expect(members.count(cluster) == members[cluster].count)
    }
  }

  /// Integers are summed without rounding: updates must give what a fresh sum gives, exactly.
  @Test(arguments: 0..<6 as Range<UInt64>) func movingRowsMovesWhatTheyAddExactly(seed: UInt64) {
    var random = RandomSource(seed: 50 + seed)
    let rows = Matrix(
      rows: 120, columns: 3,
      elements: ContiguousArray((0..<360).map { _ in Float(Int.random(in: -99...99, using: &random)) }))
    var codes = ContiguousArray((0..<120).map { _ in UInt16.random(in: 0..<5, using: &random) })
    var sums = ClusterSums(rows, clusters: 6)
    sums.update(codes)
    for _ in 0..<10 {
      let before = codes
      for _ in 0..<Int.random(in: 0...30, using: &random) {
        codes[Int.random(in: 0..<120, using: &random)] = UInt16.random(in: 0..<5, using: &random)
      }
      sums.update(codes)
      #expect(sums.movedCount == zip(before, codes).count { $0 != $1 })
      let former = Matrix(rows: 6, columns: 3, elements: ContiguousArray(repeating: -7, count: 18))
      let means = sums.means(keeping: former)
      for cluster in 0..<6 {
        let members = (0..<120).filter { Int(codes[$0]) == cluster }
        #expect(sums.counts[cluster] == members.count)
        for column in 0..<3 {
          let sum = members.reduce(0.0) { $0 + Double(rows[$1, column]) }
          #expect(means[cluster, column] == (members.isEmpty ? -7 : Float(sum * (1 / Double(members.count)))))
        }
      }
    }
  }
}

/// Products too large for the packed path, and those of nothing.
@Suite struct LargeProductTests {
  /// Just within the elements that are packed, and just beyond.
  @Test(arguments: [(512, 512), (512, 513), (1024, 300), (3, 90_000)], [false, true])
  func bothWaysGiveTheSumsOfTheDefinition(shape: (k: Int, n: Int), transposes: Bool) {
    var random = RandomSource(seed: 5)
    let a = normalMatrix(5, shape.k, using: &random)
    let b =
      transposes
      ? normalMatrix(shape.n, shape.k, using: &random) : normalMatrix(shape.k, shape.n, using: &random)
    let c = matrixProduct(a, b, transposingRight: transposes)
    #expect(c.rows == 5 && c.columns == shape.n)
    for column in stride(from: 0, to: shape.n, by: max(1, shape.n / 37)) {
      for row in 0..<5 {
        let expected = (0..<shape.k).reduce(0.0) { sum, inner in
          sum + Double(a[row, inner]) * Double(transposes ? b[column, inner] : b[inner, column])
        }
        #expect(abs(Double(c[row, column]) - expected) < 1e-3)
      }
    }
  }

  @Test func productsOfNothingAreZeros() {
    let none = Matrix(rows: 0, columns: 3), three = Matrix(rows: 3, columns: 0)
    #expect(matrixProduct(none, Matrix(rows: 3, columns: 2)) == Matrix(rows: 0, columns: 2))
    #expect(matrixProduct(three, Matrix(rows: 0, columns: 2)) == Matrix(rows: 3, columns: 2))
    #expect(matrixProduct(Matrix(rows: 2, columns: 3), three).columns == 0)
  }

  @Test func aLargeProductIsTheSameOnAnyNumberOfThreads() {
    var random = RandomSource(seed: 6)
    let a = normalMatrix(700, 520, using: &random), b = normalMatrix(520, 530, using: &random)
    let one = withThreads(1) { matrixProduct(a, b) }
    #expect(withThreads(3) { matrixProduct(a, b) } == one)
  }
}

/// A matrix as a container.
@Suite struct MatrixTests {
  @Test func rowsAreCopiedInAnyOrder() {
    let matrix = Matrix(rows: 4, columns: 2, elements: [0, 1, 10, 11, 20, 21, 30, 31])
    #expect(matrix.selectingRows([3, 0, 3]).elements == [30, 31, 0, 1, 30, 31])
    #expect(matrix.selectingRows([]).rows == 0 && matrix.selectingRows([]).columns == 2)
    #expect(matrix.rows(1..<3).elements == [10, 11, 20, 21] && matrix.rows(4..<4).rows == 0)
    #expect(Array(matrix.row(2)) == [20, 21] && matrix[3, 1] == 31)
    #expect(matrix.columns(1..<2).elements == [1, 11, 21, 31] && matrix.columns(2..<2).elements.isEmpty)
  }

  @Test func aCopyIsApartFromWhatItWasCopiedFrom() {
    let first = Matrix(rows: 2, columns: 2, elements: [1, 2, 3, 4])
    var second = first
    second[1, 0] = 9
    #expect(first.elements == [1, 2, 3, 4] && second.elements == [1, 2, 9, 4] && first != second)
  }

  /// Equal numbers in another shape are another matrix.
  @Test func shapesAreCompared() {
    #expect(Matrix(rows: 2, columns: 3) != Matrix(rows: 3, columns: 2))
    #expect(Matrix(rows: 0, columns: 3) != Matrix(rows: 0, columns: 2))
    #expect(Matrix(rows: 1, columns: 1, elements: [0]) == Matrix(rows: 1, columns: 1, elements: [-0.0]))
  }

  @Test func rowsThatAreNoNumbersAreSelectedAsZeros() {
    let matrix = Matrix(rows: 2, columns: 2, elements: [1, 2, 3, 4])
    #expect(matrix.selecting([1, -1, 0, -7]).elements == [3, 4, 0, 0, 1, 2, 0, 0])
  }
}

/// The activations at places that anybody can check.
@Suite struct ActivationValueTests {
  @Test(arguments: [
    (Activation.identity, Float(-3), Float(-3)), (.relu, -3, 0), (.relu, 3, 3), (.relu6, 7, 6), (.relu6, -1, 0),
    (.relu6, 5.5, 5.5), (.sigmoid, 0, 0.5), (.sigmoid, 2, 0.880_797_1), (.tanh, 0.5, 0.462_117_16),
    (.silu, 2, 1.761_594_2),
    (.silu, -2, -0.238_405_84), (.gelu, 1, 0.841_344_75), (.gelu, -1, -0.158_655_25), (.gelu, 0, 0),
    (.quickGELU, 1, 0.845_795_8),
  ])
  func valuesAreThoseOfTheFormulas(activation: Activation, input: Float, output: Float) {
    #expect(abs(activation(input) - output) < 1e-6)
    let tape = Tape(isRecording: false)
    let x = Matrix(rows: 1, columns: 19, elements: ContiguousArray(repeating: input, count: 19))
    // As a loop of its own and fused into a layer of the identity.
    expectClose(tape.constant(x).activated(activation).value.elements, x.elements.map { _ in output }, tolerance: 2e-6)
    let one = tape.constant(Matrix(rows: 1, columns: 1, elements: [1]))
    let column = tape.constant(Matrix(rows: 19, columns: 1, elements: x.elements))
    expectClose(
      column.linear(one, activation: activation).value.elements, x.elements.map { _ in output }, tolerance: 2e-6)
  }

  @Test(arguments: Activation.allCases) func hugeInputsHaveTheirLimits(activation: Activation) {
    let tape = Tape()
    let x = tape.parameter(Matrix(rows: 1, columns: 4, elements: [-1e4, -90, 90, 1e4]))
    let y = x.activated(activation)
    #expect(y.value.elements.allSatisfy { $0.isFinite })
    let gradient = tape.backward(from: y.sum())[x]
    let slopes = gradient.map { Array($0.elements) } ?? []
    #expect(slopes.count == 4 && slopes.allSatisfy { $0.isFinite && $0 >= -0.01 && $0 <= 1.01 })
    switch activation {
    case .identity: #expect(slopes == [1, 1, 1, 1])
    case .sigmoid, .tanh: #expect(slopes.allSatisfy { abs($0) < 1e-6 })
    case .relu6: #expect(slopes == [0, 0, 0, 0])
    default: #expect(abs(slopes[0]) < 1e-6 && abs(slopes[3] - 1) < 1e-6)
    }
  }
}
