import Foundation
import TableExport
import TensorMath
import TestSupport
import Testing

@Suite struct NPYReaderTests {
  /// A file as `numpy.save` writes it: version 1.0, the header padded to 128 bytes.
  private func file(
    _ type: String, fortran: String = "False", shape: String, data: String, version: UInt8 = 1
  ) -> [UInt8] {
    let dictionary = "{'descr': '\(type)', 'fortran_order': \(fortran), 'shape': \(shape), }"
    return file(dictionary: dictionary, data: data, version: version)
  }

  private func file(dictionary: String, data: String, version: UInt8 = 1) -> [UInt8] {
    let prefix = version == 1 ? 10 : 12
    let padded = dictionary + String(repeating: " ", count: max(0, 127 - prefix - dictionary.utf8.count)) + "\n"
    let length = padded.utf8.count
    let lengthBytes = [UInt8(length & 255), UInt8(length >> 8)] + (version == 1 ? [] : [0, 0])
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + lengthBytes + Array(padded.utf8) + bytes(data)
  }

  private func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = Array(hexadecimal.utf8)
    return stride(from: 0, to: digits.count, by: 2).map {
      UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)!
    }
  }

  private func matrix(_ bytes: [UInt8]) throws -> Matrix {
    try withTemporaryDirectory { folder in
      let path = "\(folder)/vectors.npy"
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      return try NPYReader(path: path).readAll()
    }
  }

  // numpy 2: np.save of [[1, -2.5, 3], [0.1, inf, 1e-30]], [[1, 2], [3, 0.1]] and
  // [[1, -2, 65504, 6e-8, inf, nan, -0.0, 0.333]] in the three types, and the same arrays by astype('<f4').
  @Test func readsSinglePrecision() throws {
    let read = try matrix(file("<f4", shape: "(2, 3)", data: "0000803f000020c000004040cdcccc3d0000807f6042a20d"))
    #expect(read == Matrix(rows: 2, columns: 3, elements: [1, -2.5, 3, 0.1, .infinity, 1e-30]))
  }

  @Test func readsDoublePrecisionRounded() throws {
    let data = "000000000000f03f000000000000004000000000000008409a9999999999b93f"
    #expect(
      try matrix(file("<f8", shape: "(2, 2)", data: data)) == Matrix(rows: 2, columns: 2, elements: [1, 2, 3, 0.1]))
  }

  @Test func readsHalfPrecision() throws {
    let read = try matrix(file("<f2", shape: "(1, 8)", data: "003c00c0ff7b0100007c007e00805435"))
    let expected: [UInt32] = [
      1_065_353_216, 3_221_225_472, 1_199_562_752, 864_026_624, 2_139_095_040, 2_143_289_344, 2_147_483_648,
      1_051_361_280,
    ]
    for (value, bits) in zip(read.elements, expected) {
      #expect(value.isNaN ? Float(bitPattern: bits).isNaN : value.bitPattern == bits)
    }
  }

  @Test(arguments: [UInt8(2), 3])
  func readsLaterVersions(version: UInt8) throws {
    let read = try matrix(file("<f4", shape: "(1, 1)", data: "0000803f", version: version))
    #expect(read.elements == [1])
  }

  @Test(arguments: [
    "{\"shape\": (1,1), \"descr\": \"<f4\", \"fortran_order\": False}",
    "  {'fortran_order':False,'descr':'<f4','shape':( 1 , 1 , ),}  ",
  ])
  func readsHeadersThatOtherProgramsWrite(dictionary: String) throws {
    #expect(try matrix(file(dictionary: dictionary, data: "0000803f")).elements == [1])
  }

  @Test func readsAMatrixWithoutRows() throws {
    let read = try matrix(file("<f4", shape: "(0, 768)", data: ""))
    #expect(read.rows == 0 && read.columns == 768)
  }

  @Test func readsRowsInPieces() throws {
    try withTemporaryDirectory { folder in
      let path = "\(folder)/vectors.npy"
      var contents = file("<f4", shape: "(1000, 3)", data: "")
      for index in 0..<3_000 { withUnsafeBytes(of: Float(index).bitPattern.littleEndian) { contents += $0 } }
      try Data(contents).write(to: URL(fileURLWithPath: path))
      let reader = try NPYReader(path: path)
      #expect(reader.rows == 1_000 && reader.columns == 3)
      #expect(try reader.read(rows: 10..<12).elements == [30, 31, 32, 33, 34, 35])
      #expect(try reader.read(rows: 1_000..<1_000).elements.isEmpty)
      #expect(try reader.readAll().elements == ContiguousArray((0..<3_000).map { Float($0) }))
    }
  }

  @Test func readsWhatTheWriterWrites() throws {
    try withTemporaryDirectory { folder in
      let header = NPYHeader.encoded(elementType: "<f4", shape: [2, 1])
      let path = "\(folder)/vectors.npy"
      try Data(header + bytes("0000803f00000040")).write(to: URL(fileURLWithPath: path))
      #expect(try NPYReader(path: path).readAll().elements == [1, 2])
    }
  }

  private func error(of bytes: [UInt8]) -> TableExportError? {
    #expect(throws: TableExportError.self) { _ = try matrix(bytes) }
  }

  @Test func saysWhyAFileIsRefused() {
    let one = "0000803f"
    let cases: [(bytes: [UInt8], code: TableExportError.Code, message: String)] = [
      (file("<f4", fortran: "True", shape: "(1, 1)", data: one), .unsupported, "column order"),
      (file(">f4", shape: "(1, 1)", data: one), .unsupported, "'>f4'"),
      (file("<i8", shape: "(1, 1)", data: one + one), .unsupported, "astype('<f4')"),
      (file("<f4", shape: "(1,)", data: one), .unsupported, "two dimensions"),
      (file("<f4", shape: "(1, 1, 1)", data: one), .unsupported, "two dimensions"),
      (file("<f4", shape: "(2, 1)", data: one), .invalidFile, "its header promises"),
      (file("<f4", shape: "(1, 1)", data: one + one), .invalidFile, "its header promises"),
      (file("<f4", shape: "(4611686018427387904, 4)", data: one), .invalidFile, "beyond any file"),
      (file("<f4", shape: "(99999999999999999999, 4)", data: one), .invalidFile, "beyond 64 bits"),
      (file("<f4", shape: "(0, 9223372036854775807)", data: ""), .invalidFile, "beyond any file"),
      (file("<f4", shape: "(-1, 1)", data: one), .invalidFile, "not a whole number"),
      (
        file(dictionary: "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1)}", data: one), .invalidFile,
        "structured"
      ),
      (file(dictionary: "{'descr': '<f4', 'shape': (1, 1)}", data: one), .invalidFile, "missing"),
      (
        file(dictionary: "{'descr': '<f4', 'descr': '<f4', 'shape': (1, 1)}", data: one), .invalidFile, "unexpected key"
      ),
      (file("<f4", shape: "(1, 1)", data: one, version: 9), .invalidFile, "version 9.0"),
      (Array(file("<f4", shape: "(1, 1)", data: one).prefix(40)), .invalidFile, "ends within the header"),
      ([0x93] + Array("NUMPY".utf8) + [2, 0, 255, 255, 255, 127], .invalidFile, "at most 65536"),
      (Array("id,code_0\n".utf8), .invalidFile, "not an NPY file"),
      ([], .invalidFile, "not an NPY file"),
    ]
    for entry in cases {
      let error = error(of: entry.bytes)
      #expect(error?.code == entry.code, "\(entry.message)")
      #expect(error?.message.contains(entry.message) == true, "\(error?.message ?? "")")
    }
  }

  @Test func aMissingFileIsAClearError() {
    let error = #expect(throws: TableExportError.self) { _ = try NPYReader(path: "/nonexistent.npy") }
    #expect(error?.code == .cannotRead)
    #expect(error?.description == "/nonexistent.npy: cannot open the file: No such file or directory")
  }

  @Test func damagedFilesAreReadOrRefusedButNeverCrash() throws {
    var random = RandomSource(seed: 20_260_101)
    let originals = [
      file("<f4", shape: "(2, 3)", data: "0000803f000020c000004040cdcccc3d0000807f6042a20d"),
      file("<f8", shape: "(1, 2)", data: "000000000000f03f0000000000000040", version: 2),
      file("<f2", shape: "(2, 2)", data: "003c00c0ff7b0100"),
    ]
    try withTemporaryDirectory { folder in
      let path = "\(folder)/vectors.npy"
      var refused = 0
      for trial in 0..<10_000 {
        try Data(damaged(originals[trial % originals.count], using: &random)).write(to: URL(fileURLWithPath: path))
        do {
          let matrix = try NPYReader(path: path).readAll()
          #expect(matrix.elements.count == matrix.rows * matrix.columns)
        } catch is TableExportError {
          refused += 1
        }
      }
      #expect(refused > 5_000)
    }
  }
}
