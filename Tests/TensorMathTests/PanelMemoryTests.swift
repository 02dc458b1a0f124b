import CVectorKernels
import TensorMath
import TestSupport
import Testing

@Suite struct PanelMemoryTests {
  private func values(_ memory: PanelMemory<Float>, count: Int) -> [Float] {
    var values: [Float] = []
    memory.read { values = Array(UnsafeBufferPointer(start: $0, count: count)) }
    return values
  }

  private func fill(_ memory: inout PanelMemory<Float>, count: Int, with value: Float) {
    memory.write(count: count) { target in
      for index in 0..<count { target[index] = value }
    }
  }

  @Test(arguments: [0, 1, 15, 4097]) func memoryBeginsAtALineOfTheCache(count: Int) {
    var addresses: [UInt] = []
    let memories = (0..<5).map { _ in PanelMemory<UInt16>(count: count) { addresses.append(UInt(bitPattern: $0)) } }
    #expect(memories.count == 5 && addresses.count == 5)
    #expect(addresses.allSatisfy { $0 % 64 == 0 })
    for (memory, address) in zip(memories, addresses) {
      memory.read { #expect(UInt(bitPattern: $0) == address) }
    }
  }

  @Test func aCopyDoesNotSeeWhatTheOtherWrites() {
    var first = PanelMemory<Float>()
    fill(&first, count: 8, with: 1)
    let copy = first
    fill(&first, count: 4, with: 2)
    #expect(values(copy, count: 8) == Array(repeating: 1, count: 8))
    #expect(values(first, count: 4) == Array(repeating: 2, count: 4))
  }

  @Test func memoryThatIsLargeEnoughIsWrittenAgain() {
    var memory = PanelMemory<Float>()
    var addresses: [UInt] = []
    for count in [100, 100, 7, 100] { memory.write(count: count) { addresses.append(UInt(bitPattern: $0)) } }
    #expect(Set(addresses).count == 1)
    fill(&memory, count: 5_000, with: 3)
    #expect(values(memory, count: 5_000).allSatisfy { $0 == 3 })
  }
}

/// `c += aᵀ · b` against sums in double precision.
@Suite struct TransposedProductTests {
  /// Runs of columns that are full, one over and one short, and sums so long that the left factor is cut into blocks.
  @Test(arguments: [(1, 1, 1), (3, 8, 48), (7, 9, 49), (16, 7, 16), (160, 15, 97), (33, 40, 130), (300, 1000, 33)])
  func productsAreAddedToWhatIsThere(inner: Int, rows: Int, columns: Int) {
    let (a, b) = (randomMatrix(inner, rows + 3, seed: 1), randomMatrix(inner, columns, seed: 2))
    var packed = [Float](repeating: .nan, count: tessera_packed_count(inner, columns))
    var scratch = [Float](repeating: .nan, count: tessera_transposed_scratch(inner, rows))
    // The columns behind the result are another's.
    let stride = columns + 2
    var found = [Float](repeating: 0.5, count: rows * stride)
    a.elements.withUnsafeBufferPointer { a in
      b.elements.withUnsafeBufferPointer { b in
        tessera_pack_right(b.baseAddress, inner, columns, columns, 1, &packed)
        tessera_add_transposed(
          a.baseAddress! + 2, inner, rows, rows + 3, packed, columns, &found, stride, &scratch)
      }
    }
    var worst = 0.0
    for row in 0..<rows {
      for column in 0..<columns {
        var sum = 0.5
        for place in 0..<inner { sum += Double(a[place, row + 2]) * Double(b[place, column]) }
        worst = max(worst, abs(Double(found[row * stride + column]) - sum))
      }
      #expect(found[row * stride + columns] == 0.5 && found[row * stride + columns + 1] == 0.5)
    }
    #expect(worst < 2e-6 * Double(inner).squareRoot() * 4)
  }
}
