import CVectorKernels
import TensorMath
import TestSupport
import Testing

/// The kernels of rounded products against sums in double precision of factors that are rounded in plain Swift.
@Suite struct RoundedProductTests {
  static let hasHalves = tessera_has_half_products() == 1
  static let hasBrains = tessera_has_brain_products() == 1

  /// The nearest bfloat16: the upper half of the bits, ties to even.
  private func brain(_ x: Float) -> Float {
    let bits = x.bitPattern
    return Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
  }

  /// The power of two that brings the largest number into [8, 16).
  private func scale(_ numbers: some Sequence<Float>) -> Float {
    let largest = numbers.reduce(0) { max($0, abs($1)) }
    return largest > 0 ? Float(sign: .plus, exponent: 3 - Int(largest.exponent), significand: 1) : 1
  }

  private func half(_ x: Float, _ scale: Float) -> Double { Double(Float16(x * scale)) / Double(scale) }

  @Test(
    .enabled(if: hasHalves), arguments: [[3, 0.5, -0.01], [1e-20, -5e-21], [0, 0], [40_000, 1e30]] as [[Float]])
  func theScaleBringsTheLargestNumberBelowSixteen(numbers: [Float]) {
    let found = tessera_half_scale(numbers, 1, numbers.count, 0)
    #expect(found == scale(numbers))
    #expect((numbers.map { abs($0) }.max() ?? 0) * found < 16)
  }

  @Test(.enabled(if: hasHalves)) func whatIsNotFiniteIsNotScaled() {
    #expect(tessera_half_scale([1, .infinity, 3], 1, 3, 0) == 1)
    #expect(tessera_half_scale([5, 1, 9, 100], 2, 1, 2) == 1, "9 is the largest of the first column")
  }

  @Test(.enabled(if: hasBrains), arguments: [(1, 1, 1), (13, 7, 33), (25, 150, 47), (12, 64, 96)])
  func bfloat16ProductsAreSumsOfRoundedFactors(shape: (rows: Int, inner: Int, columns: Int)) {
    let (rows, inner, columns) = shape
    let (a, b) = (normals(rows, inner, 1), normals(inner, columns, 2))
    let bias = normals(1, columns, 3).elements
    let product = PackedMatrix(b, precision: .brain).product(a, bias: bias)
    for row in 0..<rows {
      for column in 0..<columns {
        let sum = (0..<inner).reduce(Double(bias[column])) {
          $0 + Double(brain(a[row, $1])) * Double(brain(b[$1, column]))
        }
        #expect(abs(Double(product[row, column]) - sum) < 1e-5 * Double(inner).squareRoot() * 4)
      }
    }
  }

  @Test(.enabled(if: hasBrains)) func bfloat16KeepsWhatIsNotANumber() {
    let product = PackedMatrix(normals(3, 2, 4), precision: .brain).product(
      Matrix(rows: 2, columns: 3, elements: [1, .nan, 2, .infinity, 1, 1]))
    #expect(product[0, 0].isNaN && product[0, 1].isNaN && !product[1, 0].isFinite)
  }

  /// One column short of a tile, some tiles, and runs of 64 that are cut off.
  @Test(.enabled(if: hasHalves), arguments: [(1, 1, 1), (5, 11, 33), (64, 12, 64), (65, 25, 97), (192, 40, 16)])
  func transposedProductsOfHalvesAreAdded(shape: (inner: Int, rows: Int, columns: Int)) {
    let (inner, rows, columns) = shape
    // As small as gradients are: without their scale they would all round to zero.
    let a = Matrix(
      rows: inner, columns: rows, elements: ContiguousArray(normals(inner, rows, 5).elements.map { $0 * 1e-10 }))
    let b = normals(inner, columns, 6)
    let (left, right) = (scale(a.elements), scale(b.elements))
    var packed = [UInt16](repeating: 0, count: tessera_half_count(inner, columns))
    var scratch = [UInt32](repeating: 0, count: tessera_half_transposed_scratch(inner, rows))
    var found = [Float](repeating: 1e-9, count: rows * columns)
    a.elements.withUnsafeBufferPointer { a in
      b.elements.withUnsafeBufferPointer { b in
        tessera_pack_half(b.baseAddress, inner, columns, columns, 1, right, &packed)
        tessera_add_half_transposed(
          a.baseAddress, inner, rows, rows, packed, columns, right, &found, columns, &scratch)
      }
    }
    for row in 0..<rows {
      for column in 0..<columns {
        let sum = (0..<inner).reduce(0.0) { $0 + half(a[$1, row], left) * half(b[$1, column], right) }
        // Sums of up to 64 products keep eleven bits.
        #expect(abs(Double(found[row * columns + column]) - 1e-9 - sum) < 2e-12 * Double(inner).squareRoot())
      }
    }
  }

  @Test(.enabled(if: hasHalves)) func rowsFarBeyondTheRangeOfHalvesAreMultiplied() {
    let (x, b) = (normals(14, 70, 7), normals(70, 40, 8))
    let packed = PackedMatrix(b, precision: .half)
    let near = packed.product(x)
    for factor: Float in [0x1p-60, 0x1p40] {
      let scaled = Matrix(rows: 14, columns: 70, elements: ContiguousArray(x.elements.map { $0 * factor }))
      #expect(packed.product(scaled).elements.elementsEqual(near.elements.lazy.map { $0 * factor }))
    }
  }

  @Test(.enabled(if: hasHalves)) func halvesKeepWhatIsNotFinite() {
    let product = PackedMatrix(normals(3, 2, 4), precision: .half).product(
      Matrix(rows: 2, columns: 3, elements: [1, .nan, 2, .infinity, 1, 1]))
    #expect(product[0, 0].isNaN && product[0, 1].isNaN && !product[1, 0].isFinite)
  }

  @Test func whatTheProcessorLacksIsSingle() {
    #expect(PackedMatrix.effective(.single) == .single)
    #expect(PackedMatrix.effective(.half) == (Self.hasHalves ? .half : .single))
    #expect(PackedMatrix.effective(.brain) == (Self.hasBrains ? .brain : .single))
  }

  @Test(arguments: [1, 16, 37]) func sumsOfTwoVectorsAreAnother(count: Int) {
    let (a, b) = (normals(1, count, 9).elements, normals(1, count, 10).elements)
    var sum = [Float](repeating: .nan, count: count)
    tessera_sum(Array(a), Array(b), -0.5, &sum, count)
    for index in 0..<count { #expect(abs(sum[index] - (a[index] - 0.5 * b[index])) < 1e-6) }
  }

  private func normals(_ rows: Int, _ columns: Int, _ seed: UInt64) -> Matrix {
    var random = RandomSource(seed: seed)
    return normalMatrix(rows, columns, using: &random)
  }
}
