import NeuralNetworks
import TensorMath
import TestSupport
import Testing

/// The checksum of a file of tensors, against its definition written out byte by byte.
@Suite struct TensorChecksumTests {
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  private static func text(_ text: String) -> UInt64 {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    for byte in text.utf8 { state = mix(state ^ UInt64(byte)) }
    return state
  }

  /// Words of eight bytes, the first byte lowest; then single bytes; then the number of bytes.
  private static func tensor(_ name: String, _ bytes: [UInt8]) -> UInt64 {
    var state = text(name)
    var index = 0
    while index + 8 <= bytes.count {
      var word: UInt64 = 0
      for offset in 0..<8 { word |= UInt64(bytes[index + offset]) << UInt64(8 * offset) }
      state = mix(state ^ word)
      index += 8
    }
    while index < bytes.count {
      state = mix(state ^ UInt64(bytes[index]))
      index += 1
    }
    return mix(state ^ UInt64(bytes.count))
  }

  private static func bytes(_ name: String, _ bytes: [UInt8]) -> NamedTensor {
    NamedTensor(name: name, elementType: .uint8, shape: [bytes.count], bytes: bytes[...])
  }

  private static func random(_ count: Int, using random: inout RandomSource) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
  }

  @Test(arguments: 0..<34) func isItsDefinitionForEveryLength(length: Int) {
    var source = RandomSource(seed: UInt64(length))
    let contents = Self.random(length, using: &source)
    let tensor = Self.bytes("a.weight", contents)
    #expect(TensorChecksum.of([tensor]) == String(Self.tensor("a.weight", contents), radix: 16))
    // A part of a larger array, whose first byte lies anywhere.
    let padded = [7, 7, 7] + contents + [9]
    let part = NamedTensor(
      name: "a.weight", elementType: .uint8, shape: [length], bytes: padded[3..<3 + length])
    #expect(TensorChecksum.of([part]) == TensorChecksum.of([tensor]))
  }

  @Test func tensorsAndMetadataAreSummed() {
    let one = Self.bytes("one", [1, 2, 3]), two = Self.bytes("two", [])
    let sum = Self.tensor("one", [1, 2, 3]) &+ Self.tensor("two", []) &+ Self.text("step\u{0}12") &+ Self.text("\u{0}")
    #expect(TensorChecksum.of([one, two], metadata: ["step": "12", "": ""]) == String(sum, radix: 16))
    #expect(TensorChecksum.of([]) == "0")
  }

  @Test func theOrderOfTensorsDoesNotMatter() {
    var source = RandomSource(seed: 3)
    let tensors = (0..<12).map { Self.bytes("t\($0)", Self.random($0, using: &source)) }
    let metadata = Dictionary(uniqueKeysWithValues: (0..<9).map { ("k\($0)", "v\($0 * $0)") })
    let expected = TensorChecksum.of(tensors, metadata: metadata)
    for _ in 0..<10 {
      #expect(TensorChecksum.of(tensors.shuffled(using: &source), metadata: metadata) == expected)
    }
  }

  @Test func itsOwnEntryDoesNotCount() {
    let tensor = Self.bytes("a", [1])
    let metadata = ["step": "1"]
    let with = metadata.merging([TensorChecksum.key: "abc"]) { $1 }
    #expect(TensorChecksum.of([tensor], metadata: with) == TensorChecksum.of([tensor], metadata: metadata))
  }

  @Test func everyBitOfATensorCounts() {
    var source = RandomSource(seed: 8)
    let contents = Self.random(21, using: &source)
    var seen: Set<String> = [TensorChecksum.of([Self.bytes("a", contents)])]
    for bit in 0..<21 * 8 {
      var changed = contents
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      seen.insert(TensorChecksum.of([Self.bytes("a", changed)]))
    }
    #expect(seen.count == 21 * 8 + 1)
  }

  /// Bytes that move from one place to another give another sum: from a key to its value, from a tensor to the next, from
  /// one name to another.
  @Test func whereBytesStandCounts() {
    let sums = [
      TensorChecksum.of([], metadata: ["ab": "c"]), TensorChecksum.of([], metadata: ["a": "bc"]),
      TensorChecksum.of([], metadata: ["abc": ""]), TensorChecksum.of([], metadata: ["a": "b", "c": ""]),
      TensorChecksum.of([Self.bytes("a", [1, 2])]), TensorChecksum.of([Self.bytes("a", [2, 1])]),
      TensorChecksum.of([Self.bytes("a", [1]), Self.bytes("b", [2])]),
      TensorChecksum.of([Self.bytes("a", [2]), Self.bytes("b", [1])]),
      TensorChecksum.of([Self.bytes("a", [0])]), TensorChecksum.of([Self.bytes("a", [0, 0])]),
      TensorChecksum.of([Self.bytes("a", [])]), TensorChecksum.of([Self.bytes("b", [])]),
      TensorChecksum.of([Self.bytes("a", [UInt8](repeating: 0, count: 8))]),
      TensorChecksum.of([Self.bytes("a", [UInt8](repeating: 0, count: 16))]),
    ]
    #expect(Set(sums).count == sums.count)
  }

  private static func file(_ tensors: [NamedTensor], _ metadata: [String: String]) throws -> SafetensorsFile {
    try SafetensorsFile(bytes: SafetensorsWriter.bytes(tensors, metadata: metadata))
  }

  @Test func aFileWithItsSumPassesAndAnyOtherIsRefused() throws {
    let tensors = [NamedTensor(name: "x", shape: [3], floats: [1, 2, 3]), Self.bytes("y", [4, 5])]
    var metadata = ["kind": "test"]
    let sum = TensorChecksum.of(tensors, metadata: metadata)
    metadata[TensorChecksum.key] = sum
    let sound = try Self.file(tensors, metadata)
    #expect(throws: Never.self) { try TensorChecksum.check(sound) }
    // A file of before there were sums.
    let former = try Self.file(tensors, ["kind": "test"])
    #expect(throws: Never.self) { try TensorChecksum.check(former) }

    let other = NamedTensor(name: "x", shape: [3], floats: [1, 2, 4])
    for (tensors, metadata) in [
      ([other, tensors[1]], metadata), ([tensors[0]], metadata),
      (tensors, ["kind": "other", TensorChecksum.key: sum]), (tensors, [TensorChecksum.key: sum]),
      (tensors, ["kind": "test", TensorChecksum.key: ""]), (tensors, ["kind": "test", TensorChecksum.key: sum + "0"]),
      (tensors, ["kind": "test", "more": "", TensorChecksum.key: sum]),
    ] {
      let file = try Self.file(tensors, metadata)
      let error = #expect(throws: NeuralNetworksError.self) { try TensorChecksum.check(file) }
      #expect(error?.code == .malformedFile)
      #expect(error?.message.contains("restore it, or remove it and train anew") == true)
    }
  }
}
