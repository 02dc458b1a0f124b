import Foundation
import TableExport
import TensorMath
import TestSupport
import Testing

/// The NPY format byte by byte: headers of every shape, numbers of every bit pattern, files that change.
@Suite struct NPYFormatTests {
  private func header(_ dictionary: String, version: UInt8 = 1, minor: UInt8 = 0) -> [UInt8] {
    let length = dictionary.utf8.count
    let bytes = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    return [0x93] + Array("NUMPY".utf8) + [version, minor] + bytes + Array(dictionary.utf8)
  }

  private func failure(_ bytes: [UInt8]) -> String? {
    do throws(TableExportError) {
      _ = try NPYHeader(parsing: bytes, path: "p.npy")
      return nil
    } catch {
      #expect(error.code == .invalidFile && error.path == "p.npy")
      return error.message
    }
  }

  @Test func whatTheWriterPromisesTheReaderReads() throws {
    var random = RandomSource(seed: 91)
    for _ in 0..<500 {
      let shape = (0..<Int.random(in: 1...3, using: &random)).map { _ in
        Int(truncatingIfNeeded: random.next() >> UInt64.random(in: 24...63, using: &random))
      }
      let type = ["<f4", "<u2", "|u1", "<i8"].randomElement(using: &random)!
      let bytes = NPYHeader.encoded(elementType: type, shape: shape)
      #expect(bytes.count == 128 && bytes.last == 0x0A)
      let read = try NPYHeader(parsing: bytes, path: "p")
      #expect(read.shape == shape && read.elementType == type && !read.isFortranOrder && read.dataOffset == 128)
    }
    #expect(NPYHeader.encoded(elementType: "<f4", shape: [.max, .max]).count == 128)
  }

  /// `numpy.save(f, numpy.zeros((3, 2), 'f4'))` and `numpy.zeros(5, 'u1')`, their first 128 bytes.
  @Test func headersAreNumPysOwn() {
    func numpy(_ dictionary: String) -> [UInt8] {
      [0x93] + Array("NUMPY".utf8) + [1, 0, 0x76, 0] + Array(dictionary.utf8)
        + [UInt8](repeating: 0x20, count: 117 - dictionary.utf8.count) + [0x0A]
    }
    #expect(
      NPYHeader.encoded(elementType: "<f4", shape: [3, 2])
        == numpy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }"))
    #expect(
      NPYHeader.encoded(elementType: "|u1", shape: [5])
        == numpy("{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }"))
  }

  @Test func keysComeInAnyOrderWithAnySpaceAndQuotes() throws {
    var random = RandomSource(seed: 92)
    for _ in 0..<400 {
      func space() -> String { ["", "", " ", "  ", "\n", "\t", "\r"].randomElement(using: &random)! }
      func quoted(_ text: String) -> String { Bool.random(using: &random) ? "'\(text)'" : "\"\(text)\"" }
      let shape = (0..<Int.random(in: 0...4, using: &random)).map { _ in Int.random(in: 0...1_000_000, using: &random) }
      let fortran = Bool.random(using: &random)
      let extents = shape.map { space() + "\($0)" + space() }.joined(separator: ",")
      let comma = shape.count == 1 || !shape.isEmpty && Bool.random(using: &random) ? "," : ""
      var members = [
        quoted("descr") + space() + ":" + space() + quoted("<f8"),
        quoted("fortran_order") + space() + ":" + space() + (fortran ? "True" : "False"),
        quoted("shape") + space() + ":" + space() + "(" + extents + comma + space() + ")",
      ]
      members.shuffle(using: &random)
      let text =
        space() + "{" + space() + members.joined(separator: space() + "," + space()) + space()
        + (Bool.random(using: &random) ? "," : "") + space() + "}" + space()
      let read = try NPYHeader(parsing: header(text, version: 2), path: "p")
      #expect(read.shape == shape && read.isFortranOrder == fortran && read.elementType == "<f8")
    }
  }

  @Test func whatIsWrongWithAHeaderIsSaid() {
    let sound = "'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)"
    let cases: [(String, String)] = [
      ("", "'{' is missing"), ("{", "a quoted name is expected"), ("{\(sound)", "'}' is missing"),
      ("{\(sound)} x", "something follows the dictionary"), ("{\(sound), 'x': 1}", "unexpected key 'x'"),
      ("{\(sound), 'shape': (1,)}", "unexpected key 'shape'"), ("{'descr' '<f4'}", "':' is missing"),
      ("{'descr: '<f4'}", "is missing"), ("{'descr", "a quoted name does not end"),
      ("{'des\\x63r': '<f4'}", "a name is not plain ASCII"), ("{'dés': 1}", "a name is not plain ASCII"),
      ("{'descr': 5}", "a quoted name is expected"), ("{'fortran_order': true}", "'False' is missing"),
      ("{'fortran_order': 0}", "'False' is missing"), ("{'shape': 5}", "'(' is missing"),
      ("{'shape': (1 2)}", "')' is missing"), ("{'shape': (1.5,)}", "')' is missing"),
      ("{'shape': (,)}", "an extent of the shape is not a whole number"),
      ("{'shape': (-1,)}", "an extent of the shape is not a whole number"),
      ("{'shape': (9223372036854775808,)}", "an extent of the shape is beyond 64 bits"),
      ("{'descr': [('a', '<f4')]}", "a structured element type cannot be read; save one plain array"),
      ("{}", "one of 'descr', 'fortran_order' and 'shape' is missing"),
      ("{'shape': (" + String(repeating: "1,", count: 33) + ")}", "the shape has more than 32 dimensions"),
      ("{'" + String(repeating: "k", count: 90) + "': 1}", "unexpected key '\(String(repeating: "k", count: 40))'"),
    ]
    for (text, reason) in cases {
      let message = failure(header(text))
      #expect(message?.hasPrefix("the header is damaged: ") == true, "\(text)")
      #expect(message?.hasSuffix(reason) == true, "\(text): \(message ?? "read")")
    }
    #expect(failure(header("{\(sound.replacingOccurrences(of: "1, 1", with: "9223372036854775807,"))}")) == nil)
    #expect(
      failure(header("{\(sound.replacingOccurrences(of: "1, 1", with: String(repeating: "1,", count: 32)))}")) == nil)
  }

  @Test func versionsAndLengthsAreChecked() {
    let sound = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)}"
    for version in UInt8(1)...3 { #expect(failure(header(sound, version: version)) == nil) }
    #expect(failure(header(sound, version: 4)) == "NPY version 4.0 is not known; versions 1.0 to 3.0 are read")
    #expect(failure(header(sound, version: 0)) == "NPY version 0.0 is not known; versions 1.0 to 3.0 are read")
    #expect(failure(header(sound, minor: 1)) == "NPY version 1.1 is not known; versions 1.0 to 3.0 are read")
    let longest = sound + String(repeating: " ", count: 65_536 - sound.utf8.count)
    #expect(failure(header(longest, version: 2)) == nil)
    #expect(
      failure(header(longest + " ", version: 2)) == "the header claims 65537 bytes, at most 65536 are read")
    // Every prefix is an error of its own, and never a trap.
    let whole = header(sound, version: 2)
    for count in 0..<whole.count { #expect(failure(Array(whole[..<count])) != nil) }
    #expect(failure(Array(whole[..<40])) == "the file ends within the header of \(sound.utf8.count) bytes")
  }

  @Test func everyHalfIsTheFloatThatTheHardwareGives() throws {
    try withTemporaryDirectory { folder in
      let path = "\(folder)/halves.npy"
      var bytes = NPYHeader.encoded(elementType: "<f2", shape: [256, 256])
      for bits in UInt16.min...UInt16.max { bytes += [UInt8(bits & 255), UInt8(bits >> 8)] }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let read = try NPYReader(path: path).readAll()
      for bits in UInt16.min...UInt16.max {
        let expected = Float(Float16(bitPattern: bits))
        let found = read.elements[Int(bits)]
        if found.bitPattern != expected.bitPattern, !(found.isNaN && expected.isNaN) {
          Issue.record("half \(bits) is read as \(found), not \(expected)")
        }
      }
    }
  }

  @Test func aMatrixWrittenHereReadsBackBitByBit() throws {
    var random = RandomSource(seed: 93)
    try withTemporaryDirectory { folder in
      for (rows, columns) in [(0, 3), (1, 1), (7, 5), (1_200, 300)] {
        let matrix = Matrix(
          rows: rows, columns: columns,
          elements: ContiguousArray(
            (0..<rows * columns).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }))
        let path = "\(folder)/matrix.npy"
        try writeNPY(matrix, to: path)
        let read = try NPYReader(path: path).readAll()
        #expect(read.rows == rows && read.columns == columns)
        #expect(read.elements.elementsEqual(matrix.elements) { $0.bitPattern == $1.bitPattern })
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["matrix.npy"])
      }
      let error = #expect(throws: TableExportError.self) {
        try writeNPY(Matrix(rows: 1, columns: 1), to: folder + "/none/m.npy")
      }
      #expect(error?.code == .cannotWrite && error?.path == folder + "/none/m.npy")
    }
  }

  /// Reads are in blocks of 4 MiB; rows of 1.5 MiB make them end after two rows, and one of 5 MiB goes alone.
  @Test(arguments: [393_216, 1_310_720]) func blocksOfRowsJoinWithoutAGap(columns: Int) throws {
    try withTemporaryDirectory { folder in
      let rows = 5
      let path = "\(folder)/wide.npy"
      var matrix = Matrix(rows: rows, columns: columns)
      for index in matrix.elements.indices { matrix.elements[index] = Float(index) }
      try writeNPY(matrix, to: path)
      let reader = try NPYReader(path: path)
      let part = try reader.read(rows: 1..<rows)
      #expect(part.rows == rows - 1 && part.elements.elementsEqual(matrix.elements.dropFirst(columns)))
      #expect(try reader.read(rows: 3..<4).elements.elementsEqual(matrix.row(3)))
    }
  }

  @Test func aFileThatChangesWhileItIsOpenIsAnError() throws {
    try withTemporaryDirectory { folder in
      let path = "\(folder)/m.npy"
      try writeNPY(Matrix(rows: 4, columns: 2), to: path)
      let reader = try NPYReader(path: path)
      #expect(truncate(path, 128 + 20) == 0)
      #expect(try reader.read(rows: 0..<2).rows == 2)
      let error = #expect(throws: TableExportError.self) { try reader.readAll() }
      #expect(error?.code == .invalidFile && error?.message == "the file became shorter while it was read")
      let folderError = #expect(throws: TableExportError.self) { _ = try NPYReader(path: folder) }
      #expect(folderError?.code == .cannotRead)
      #expect(folderError?.message == "cannot read the file: Is a directory")
    }
  }
}
