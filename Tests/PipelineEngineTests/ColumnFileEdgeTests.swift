import Foundation
import PipelineEngine
import TensorMath
import TestSupport
import Testing

/// Tables on disk at their edges.
@Suite struct ColumnFileEdgeTests {
  private static func write<Element: ColumnElement>(
    _ elements: [Element], columns: Int, to path: String
  ) throws {
    let writer = try ColumnFileWriter<Element>(path: path, columns: columns)
    try writer.append(ContiguousArray(elements).span)
    try writer.finish()
  }

  /// Writes random words as elements of a type and compares what is read, whole and by rows.
  private static func expectKept<Element: ColumnElement & Equatable>(
    _ make: (UInt64) -> Element, in folder: String
  ) throws {
    var random = RandomSource(seed: 4)
    let words: [UInt64] = [0, .max, 1, 1 << 63] + (0..<38).map { _ in random.next() }
    let elements = words.map(make), path = folder + "/\(Element.self)"
    try write(elements, columns: 7, to: path)
    let reader = try ColumnFileReader<Element>(path: path)
    #expect(reader.columns == 7 && reader.rows == 6)
    #expect(try Array(reader.readAll()) == elements)
    for row in 0..<6 { #expect(try Array(reader.read(row..<row + 1)) == Array(elements[row * 7..<row * 7 + 7])) }
  }

  @Test func everyTypesNumbersComeBack() throws {
    try withTemporaryDirectory { folder in
      try Self.expectKept({ UInt8(truncatingIfNeeded: $0) }, in: folder)
      try Self.expectKept({ UInt16(truncatingIfNeeded: $0) }, in: folder)
      try Self.expectKept({ UInt32(truncatingIfNeeded: $0) }, in: folder)
      try Self.expectKept({ $0 }, in: folder)
    }
  }

  @Test func floatsComeBackBitForBit() throws {
    try withTemporaryDirectory { folder in
      let patterns: [UInt32] = [0, 0x8000_0000, 1, 0x7F80_0000, 0xFF80_0000, 0x7FC0_1234, 0x7F7F_FFFF, 0x0080_0000]
      let path = folder + "/floats"
      try Self.write(patterns.map { Float(bitPattern: $0) }, columns: 1, to: path)
      let read = try ColumnFileReader<Float>(path: path)
      #expect(try read.readAll().map(\.bitPattern) == patterns)
      #expect(try read.matrix(1..<4).elements.map(\.bitPattern) == Array(patterns[1..<4]))
    }
  }

  @Test func aTableTakesThePlaceOfAnotherWhenItIsWhole() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/a"
      try Self.write([UInt16(1), 2], columns: 2, to: path)
      do {
        let writer = try ColumnFileWriter<UInt16>(path: path, columns: 1)
        try writer.append(ContiguousArray<UInt16>([7, 8, 9]).span)
        #expect(writer.rows == 3)
        #expect(try ColumnFileReader<UInt16>(path: path).readAll() == [1, 2])
      }
      // The writer is gone without having finished; the next one begins anew.
      #expect(try ColumnFileReader<UInt16>(path: path).readAll() == [1, 2])
      try Self.write([UInt16(5)], columns: 1, to: path)
      #expect(try ColumnFileReader<UInt16>(path: path).readAll() == [5])
      #expect(!FileManager.default.fileExists(atPath: path + ".tmp"))
    }
  }

  @Test func aReaderKeepsTheTableThatItOpened() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/a"
      try Self.write([UInt32(1), 2, 3], columns: 1, to: path)
      let reader = try ColumnFileReader<UInt32>(path: path)
      try Self.write([UInt32(9)], columns: 1, to: path)
      #expect(try reader.readAll() == [1, 2, 3])
      try FileManager.default.removeItem(atPath: path)
      #expect(try reader.read(2..<3) == [3])
    }
  }

  @Test func aTableThatIsCutWhileItIsReadIsDamaged() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/a"
      try Self.write((0..<1000).map { UInt64($0) }, columns: 1, to: path)
      let reader = try ColumnFileReader<UInt64>(path: path)
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try file.truncate(atOffset: 64 + 8 * 500)
      try file.close()
      #expect(try reader.read(0..<500).last == 499)
      let error = #expect(throws: PipelineError.self) { try reader.read(499..<501) }
      #expect(error?.code == .invalidData)
      #expect(
        error?.message
          == "'\(path)' is damaged or of another run; delete it and run again: its stage writes it anew")
      // Nor does it open any more.
      #expect(throws: PipelineError.self) { try ColumnFileReader<UInt64>(path: path) }
    }
  }

  @Test func whereNothingCanBeWrittenTheFileIsNamed() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/none/a"
      let error = #expect(throws: PipelineError.self) { try ColumnFileWriter<Float>(path: path, columns: 1) }
      #expect(error?.code == .cannotWrite && error?.message.hasPrefix("cannot write '\(path)': ") == true)
      // A folder stands where the table is to be.
      try FileManager.default.createDirectory(atPath: folder + "/a/b", withIntermediateDirectories: true)
      let taken = #expect(throws: PipelineError.self) { try Self.write([Float(1)], columns: 1, to: folder + "/a") }
      #expect(taken?.code == .cannotWrite && taken?.message.contains("'\(folder)/a'") == true)
    }
  }

  @Test func aChecksumKnowsOrderLengthAndSign() {
    let lists: [[UInt64]] = [[], [0], [0, 0], [1], [1, 0], [0, 1], [1, 2], [2, 1], [.max], [1 << 63]]
    #expect(Set(lists.map { Checksum.of($0) }).count == lists.count)
    #expect(Checksum.of([Float(0)]) != Checksum.of([-Float(0)]))
    #expect(Checksum.of([Float(1), 2]) == Checksum.of([Float(1).bitPattern, Float(2).bitPattern].map { UInt64($0) }))
  }
}
