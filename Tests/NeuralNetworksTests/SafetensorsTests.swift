import Foundation
import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// What `tools/fixtures/safetensors_files.py` prints: a file by huggingface's writer.
private let reference = [UInt8](
  Data(
    base64Encoded: """
      IAIAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJub3RlIjoibGluZVxuYnJlYWssIFwicXVvdGVcIiwgw6kifSwiaWRzIjp7ImR0eXBl\
      IjoiSTY0Iiwic2hhcGUiOlszXSwiZGF0YV9vZmZzZXRzIjpbMCwyNF19LCJzY2FsYXIiOnsiZHR5cGUiOiJGNjQiLCJzaGFwZSI6\
      W10sImRhdGFfb2Zmc2V0cyI6WzI0LDMyXX0sImVtcHR5Ijp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlswLDRdLCJkYXRhX29mZnNl\
      dHMiOlszMiwzMl19LCJ3ZWlnaHRzIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsyLDNdLCJkYXRhX29mZnNldHMiOlszMiw1Nl19\
      LCJoYWxmIjp7ImR0eXBlIjoiRjE2Iiwic2hhcGUiOls0XSwiZGF0YV9vZmZzZXRzIjpbNTYsNjRdfSwiY29kZXMiOnsiZHR5cGUi\
      OiJVMTYiLCJzaGFwZSI6WzIsMl0sImRhdGFfb2Zmc2V0cyI6WzY0LDcyXX0sImEgXCJxdW90ZWRcIiBuw6RtZSI6eyJkdHlwZSI6\
      IlU4Iiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRzIjpbNzIsNzNdfSwiZmxhZ3MiOnsiZHR5cGUiOiJCT09MIiwic2hhcGUiOlsz\
      XSwiZGF0YV9vZmZzZXRzIjpbNzMsNzZdfX0g//////////8AAAAAAAAAAAEAAAAAACAAAAAAAAAABEAAAAA/AACgvwAAQEBvEoM6\
      AOB/RwAAAIAAOADAAAT/ewEAAgD//wAABwEAAQ==
      """)!)

private let tensors = [
  NamedTensor(name: "flags", elementType: .boolean, shape: [3], bytes: [1, 0, 1]),
  NamedTensor(name: "weights", shape: [2, 3], floats: [0.5, -1.25, 3, 1e-3, 65504, -0.0]),
  NamedTensor(
    name: "half", elementType: .float16, shape: [4], bytes: [0x00, 0x38, 0x00, 0xC0, 0x00, 0x04, 0xFF, 0x7B]),
  NamedTensor(name: "ids", shape: [3], integers: [-1, 0, 9_007_199_254_740_993] as [Int64]),
  NamedTensor(name: "codes", shape: [2, 2], integers: [1, 2, 65535, 0] as [UInt16]),
  NamedTensor(name: "empty", shape: [0, 4], floats: []),
  NamedTensor(name: "scalar", elementType: .float64, shape: [], bytes: [0, 0, 0, 0, 0, 0, 4, 0x40]),
  NamedTensor(name: "a \"quoted\" näme", shape: [1], integers: [7] as [UInt8]),
]
private let metadata = ["note": "line\nbreak, \"quote\", é"]

/// A file with the given header text and data.
private func file(_ header: String, data: [UInt8] = []) -> [UInt8] {
  let bytes = Array(header.utf8)
  return (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) } + bytes + data
}

@Suite struct SafetensorsTests {
  @Test func writesTheBytesThatTheReferenceWriterDoes() throws {
    #expect(try SafetensorsWriter.bytes(tensors, metadata: metadata) == reference)
    #expect(try SafetensorsWriter.bytes(tensors.reversed(), metadata: metadata) == reference)
  }

  @Test func readsWhatTheReferenceWriterWrote() throws {
    let file = try SafetensorsFile(bytes: reference)
    #expect(file.metadata == metadata)
    #expect(Set(file.tensors.map(\.name)) == Set(tensors.map(\.name)))
    for tensor in tensors { #expect(try file.tensor(tensor.name) == tensor) }
    #expect(try Array(file.tensor("half").floats()) == [0.5, -2, 6.103_515_6e-05, 65504])
    #expect(try Array(file.tensor("scalar").floats()) == [2.5])
    #expect(try Array(file.tensor("ids").integers(as: Int64.self)) == [-1, 0, 9_007_199_254_740_993])
    #expect(try file.tensor("weights").matrix(rows: 2, columns: 3)[1, 1] == 65504)
    #expect(try file.tensor("empty").matrix(columns: 4).rows == 0)
  }

  @Test func widensBrainFloats() throws {
    let tensor = NamedTensor(
      name: "x", elementType: .bfloat16, shape: [3], bytes: [0x80, 0x3F, 0x20, 0xC1, 0x80, 0x7F])
    #expect(try Array(tensor.floats()) == [1, -10, .infinity])
  }

  @Test func roundTripsThroughAFile() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/tensors.safetensors"
      try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
      let file = try SafetensorsFile.read(path)
      #expect(file.tensors.count == tensors.count)
      for tensor in tensors { #expect(try file.tensor(tensor.name) == tensor) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["tensors.safetensors"])
    }
  }

  @Test func dataBeginsAtAMultipleOfEight() throws {
    for length in 1...16 {
      let bytes = try SafetensorsWriter.bytes([
        NamedTensor(name: String(repeating: "x", count: length), shape: [1], floats: [1])
      ])
      #expect((bytes.count - 4) % 8 == 0)
      #expect(try SafetensorsFile(bytes: bytes).tensors[0].floats() == [1])
    }
  }

  @Test func escapesInNamesAreUnderstood() throws {
    let header = #"{"a\u00e9\ud83d\ude00\/\n":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
    #expect(try SafetensorsFile(bytes: file(header, data: [3])).tensors[0].name == "aé😀/\n")
    let names = ["\u{1}\u{8}\u{C}\t\r", "quote\"back\\slash"]
    let written = try SafetensorsWriter.bytes(names.map { NamedTensor(name: $0, shape: [0], floats: []) })
    #expect(Set(try SafetensorsFile(bytes: written).tensors.map(\.name)) == Set(names))
  }

  @Test(arguments: [
    #"{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}}"#,
    #"{"x":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}"#,
    #"{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#,
    #"{"x":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#,
    #"{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#,
    #"{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"x":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
    #"{"x":{"dtype":"U8","shape":[4],"shape":[4],"data_offsets":[0,4]}}"#,
    #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}"#,
    #"{"x":{"dtype":"U9","shape":[4],"data_offsets":[0,4]}}"#,
    #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"more":1}}"#,
    #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4,4]}}"#,
    #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[0]}}"#,
    #"{"x":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}"#,
    #"{"x":{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}}"#,
    #"{"x":{"dtype":"U8","shape":[04],"data_offsets":[0,4]}}"#,
    #"{"x":{"dtype":"F64","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,4]}}"#,
    #"{"x":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,4]}}"#,
    #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,9223372036854775807]}}"#,
    #"{"__metadata__":{"a":"1","a":"2"},"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
    #"{"__metadata__":{"a":1},"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
    #"{"x\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
    #"{"x\q":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
    #" {"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#,
    #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}} x"#,
    #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}"#,
    #"{"x":null}"#, "{", "[]", "",
  ])
  func refuses(_ header: String) {
    #expect(throws: NeuralNetworksError.self) { try SafetensorsFile(bytes: file(header, data: [1, 2, 3, 4])) }
  }

  @Test func refusesAHeaderLongerThanTheFileOrTheCap() {
    for length: UInt64 in [100, 1 << 40, .max] {
      let bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) } + Array("{}".utf8)
      #expect(throws: NeuralNetworksError.self) { try SafetensorsFile(bytes: bytes) }
    }
    #expect(throws: NeuralNetworksError.self) { try SafetensorsFile(bytes: [1, 2, 3]) }
  }

  @Test func refusesInvalidUTF8InNames() {
    var bytes = file(#"{"xy":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#)
    bytes[10] = 0xFF
    #expect(throws: NeuralNetworksError.self) { try SafetensorsFile(bytes: bytes) }
  }

  @Test func refusesToWriteANameTwice() {
    let tensor = NamedTensor(name: "x", shape: [1], floats: [1])
    #expect(throws: NeuralNetworksError.self) { try SafetensorsWriter.bytes([tensor, tensor]) }
  }

  @Test func errorsSayWhatWasFoundAndExpected() throws {
    let file = try SafetensorsFile(bytes: reference)
    let missing = #expect(throws: NeuralNetworksError.self) { try file.tensor("nothing") }
    #expect(missing?.code == .missingEntry && missing?.message.contains("nothing") == true)
    let shape = #expect(throws: NeuralNetworksError.self) { try file.tensor("weights").matrix(rows: 3) }
    #expect(shape?.message == "tensor \"weights\" is F32 of shape [2, 3], expected shape [3, any]")
    let type = #expect(throws: NeuralNetworksError.self) { try file.tensor("codes").floats() }
    #expect(type?.code == .unexpectedTensor)
    let absent = #expect(throws: NeuralNetworksError.self) { try SafetensorsFile.read("/nowhere/x.safetensors") }
    #expect(absent?.code == .unreadableFile)
    let folder = #expect(throws: NeuralNetworksError.self) {
      try SafetensorsWriter.write([], to: "/nowhere/x.safetensors")
    }
    #expect(folder?.code == .unwritableFile)
  }

  @Test func refusesAFileOverTheCallersLimit() throws {
    try withTemporaryDirectory { folder in
      try SafetensorsWriter.write(tensors, to: folder + "/x.safetensors")
      let error = #expect(throws: NeuralNetworksError.self) {
        try SafetensorsFile.read(folder + "/x.safetensors", maximumBytes: 10)
      }
      #expect(error?.code == .tooLarge)
    }
  }

  @Test func mappedFilesAreReadAsBytesInMemoryAre() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/x.safetensors"
      try Data(reference).write(to: URL(fileURLWithPath: path))
      let mapped = try SafetensorsFile.read(path), inMemory = try SafetensorsFile(bytes: reference)
      #expect(mapped.tensors == inMemory.tensors && mapped.metadata == inMemory.metadata)
      #expect(try mapped.tensor("half").floats() == inMemory.tensor("half").floats())
      #expect(try mapped.tensor("ids").integers(as: Int64.self) == inMemory.tensor("ids").integers(as: Int64.self))
    }
  }

  @Test func tensorsOutliveTheFileTheyWereMappedFrom() throws {
    let tensor = try withTemporaryDirectory { folder in
      let path = folder + "/x.safetensors"
      try SafetensorsWriter.write(tensors, to: path)
      let tensor = try SafetensorsFile.read(path).tensor("weights")
      try SafetensorsWriter.write([], to: path)
      return tensor
    }
    #expect(try Array(tensor.floats()) == [0.5, -1.25, 3, 1e-3, 65504, -0.0])
  }

  @Test func damagedFilesAreRefusedWhenMapped() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/x.safetensors"
      let overlap =
        #"{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"y":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#
      for bytes in [[], [1, 2, 3], Array(reference.dropLast()), reference + [0], file(overlap, data: [1, 2, 3, 4])] {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: NeuralNetworksError.self) { try SafetensorsFile.read(path) }
        #expect(error?.code == .malformedFile && error?.message.hasPrefix(path) == true)
      }
      let isFolder = #expect(throws: NeuralNetworksError.self) { try SafetensorsFile.read(folder) }
      #expect(isFolder?.code == .unreadableFile)
    }
  }

  @Test func damageNeverCrashesTheReader() {
    var random = RandomSource(seed: 1)
    var accepted = 0
    for _ in 0..<10_000 {
      guard let file = try? SafetensorsFile(bytes: damaged(reference, using: &random)) else { continue }
      accepted += 1
      for tensor in file.tensors { #expect(tensor.count * tensor.elementType.size == tensor.bytes.count) }
    }
    #expect(accepted > 0 && accepted < 10_000)
  }
}

@Suite struct SafetensorsWritingTests {
  static let tensors = [
    NamedTensor(name: "floats", shape: [300, 70], floats: (0..<21_000).map { Float($0) }),
    NamedTensor(name: "bytes", shape: [3], integers: [UInt8(1), 2, 3]),
    NamedTensor(name: "none", shape: [0], floats: []),
  ]

  @Test func filesHoldTheBytesThatAreAssembledInMemory() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/x.safetensors"
      try SafetensorsWriter.write(Self.tensors, metadata: ["a": "b"], to: path)
      let written = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(try Array(written) == SafetensorsWriter.bytes(Self.tensors, metadata: ["a": "b"]))
      #expect(try SafetensorsFile.read(path).tensor("floats").floats() == Self.tensors[0].floats())
    }
  }

  @Test func aFileThatCannotTakeItsPlaceLeavesNothingBehind() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/taken"
      try FileManager.default.createDirectory(atPath: path + "/full", withIntermediateDirectories: true)
      let error = #expect(throws: NeuralNetworksError.self) { try SafetensorsWriter.write(Self.tensors, to: path) }
      #expect(error?.code == .unwritableFile && error?.message.hasPrefix("cannot write \(path): ") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["taken"])
    }
  }
}
