import Foundation
import NeuralNetworks
import TableExport
import TensorMath
import TestSupport
import Testing

@Suite struct NPYWriterTests {
  @Test(arguments: [0, 1, 300])
  func arraysHoldEveryValue(count: Int) throws {
    try withTemporaryDirectory { folder in
      let rows = sampleRows(count, levels: 3, sizes: 64)
      let writer = try NPYWriter(
        path: "\(folder)/table/", description: description(levels: 3, size: 64), codebooks: [])
      for row in rows { try writer.append(row) }
      #expect(try writer.finish().rows == count)

      let codes = try array("\(folder)/table/codes.npy", type: "<u2", shape: [count, 3])
      #expect(integers(codes, size: 2) == rows.flatMap { $0.codes.map(UInt64.init) })
      let suffixes = try array("\(folder)/table/suffixes.npy", type: "<u2", shape: [count])
      #expect(integers(suffixes, size: 2) == rows.map { UInt64($0.suffix) })
      #expect(try array("\(folder)/table/flags.npy", type: "|u1", shape: [count]) == rows.map(\.flags)[...])
      let distances = try array("\(folder)/table/distances.npy", type: "<f4", shape: [count])
      #expect(integers(distances, size: 4) == rows.map { UInt64($0.distance.bitPattern) })
      let generations = try array("\(folder)/table/generations.npy", type: "<u8", shape: [count])
      #expect(integers(generations, size: 8) == rows.map(\.generation))

      let offsets = integers(try array("\(folder)/table/id_offsets.npy", type: "<i8", shape: [count + 1]), size: 8)
      let bytes = Array(try array("\(folder)/table/id_bytes.npy", type: "|u1", shape: [Int(offsets.last!)]))
      let ids = zip(offsets, offsets.dropFirst()).map { String(decoding: bytes[Int($0)..<Int($1)], as: UTF8.self) }
      #expect(ids == rows.map(\.id))
    }
  }

  @Test func codebooksLieBesideTheArrays() throws {
    try withTemporaryDirectory { folder in
      let first = Matrix(rows: 2, columns: 3, elements: [1, 2, 3, 4, 5, 6])
      let second = Matrix(rows: 1, columns: 3, elements: [7, 8, 9])
      var table = description(levels: 2, size: 2)
      table.codebookSizes = [2, 1]
      let writer = try NPYWriter(
        path: "\(folder)/table", description: table,
        codebooks: [CodebookTable(centroids: first), CodebookTable(centroids: second, prices: [0.5])])
      try writer.finish()
      let file = try SafetensorsFile.read("\(folder)/table/codebooks.safetensors")
      #expect(try file.tensor("codebook_0").matrix() == first)
      #expect(try file.tensor("codebook_1").matrix() == second)
      #expect(try file.tensor("prices_1").vector(count: 1) == [0.5])
      #expect(file.metadata["tessera.codebook_sizes"] == "2,1")
    }
  }

  /// The elements of an array whose header is as expected and whose size is exact.
  private func array(_ path: String, type: String, shape: [Int]) throws -> ArraySlice<UInt8> {
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    let header = try NPYHeader(parsing: bytes, path: path)
    #expect(header.elementType == type && header.shape == shape && !header.isFortranOrder)
    #expect(header.dataOffset % 64 == 0, "numpy aligns arrays to 64 bytes")
    return bytes[header.dataOffset...]
  }

  private func integers(_ bytes: ArraySlice<UInt8>, size: Int) -> [UInt64] {
    stride(from: bytes.startIndex, to: bytes.endIndex, by: size).map { start in
      bytes[start..<start + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }
}
