import TableExport
import TensorMath
import Testing

@Suite struct RunLengthHybridTests {
  @Test func packsTheExampleOfTheFormatSpecification() {
    var bytes: [UInt8] = []
    RunLengthHybrid.encode([0, 1, 2, 3, 4, 5, 6, 7][...], width: 3, into: &bytes)
    // One group of eight, then the bytes of the specification's table for the numbers 0 to 7.
    #expect(bytes == [0x03, 0b1000_1000, 0b1100_0110, 0b1111_1010])
  }

  @Test func writesARunAsItsLengthAndValue() {
    var bytes: [UInt8] = []
    RunLengthHybrid.encode([UInt16](repeating: 300, count: 100)[...], width: 9, into: &bytes)
    #expect(bytes == [0xC8, 0x01, 0x2C, 0x01])
  }

  @Test func fillsTheLastGroupWithZeros() {
    var bytes: [UInt8] = []
    RunLengthHybrid.encode([1, 0, 1][...], width: 1, into: &bytes)
    #expect(bytes == [0x03, 0b101])
  }

  @Test(arguments: 1...16)
  func readsBackWhatItWrote(width: Int) {
    var random = RandomSource(seed: UInt64(width))
    for _ in 0..<60 {
      var values: [UInt16] = []
      let target = Int.random(in: 0...1_500, using: &random)
      while values.count < target {
        let run = [1, 1, 2, 7, 8, 9, 15, 16, 17, 600].randomElement(using: &random)!
        let value = UInt16.random(in: 0...UInt16((1 << width) - 1), using: &random)
        values += Array(repeating: value, count: run)
      }
      var bytes: [UInt8] = []
      RunLengthHybrid.encode(values[...], width: width, into: &bytes)
      #expect(decodeHybrid(bytes[...], width: width, count: values.count) == values)
    }
  }

  @Test func encodesASliceByItsOwnIndices() {
    let values: [UInt16] = [9, 9, 9, 1, 2, 3, 9]
    var bytes: [UInt8] = []
    RunLengthHybrid.encode(values[3..<6], width: 2, into: &bytes)
    #expect(decodeHybrid(bytes[...], width: 2, count: 3) == [1, 2, 3])
  }
}
