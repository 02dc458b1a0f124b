import NeuralNetworks
import TensorMath
import TestSupport
import Testing

@Suite struct NamedTensorTests {
  @Test(arguments: [
    (TensorElementType.boolean, "BOOL", 1), (.uint8, "U8", 1), (.int8, "I8", 1), (.float8E5M2, "F8_E5M2", 1),
    (.float8E4M3, "F8_E4M3", 1), (.int16, "I16", 2), (.uint16, "U16", 2), (.float16, "F16", 2), (.bfloat16, "BF16", 2),
    (.int32, "I32", 4), (.uint32, "U32", 4), (.float32, "F32", 4), (.float64, "F64", 8), (.int64, "I64", 8),
    (.uint64, "U64", 8),
  ])
  func typesHaveTheFormatsNamesAndWidths(type: TensorElementType, name: String, size: Int) {
    #expect(type.rawValue == name && type.size == size)
    #expect(TensorElementType(rawValue: name) == type)
  }

  private func roundTrip<Integer: FixedWidthInteger & BitwiseCopyable>(_ values: [Integer]) throws -> [Integer] {
    let tensor = NamedTensor(name: "x", shape: [values.count], integers: values)
    let file = try SafetensorsFile(bytes: try SafetensorsWriter.bytes([tensor]))
    return Array(try file.tensor("x").integers(as: Integer.self))
  }

  @Test func integersOfEveryWidthRoundTripAtTheirLimits() throws {
    #expect(try roundTrip([Int8.min, -1, 0, Int8.max]) == [Int8.min, -1, 0, Int8.max])
    #expect(try roundTrip([Int16.min, -1, 0, Int16.max]) == [Int16.min, -1, 0, Int16.max])
    #expect(try roundTrip([Int32.min, -1, 0, Int32.max]) == [Int32.min, -1, 0, Int32.max])
    #expect(try roundTrip([Int64.min, -1, 0, Int64.max]) == [Int64.min, -1, 0, Int64.max])
    #expect(try roundTrip([0, UInt8.max]) == [0, UInt8.max])
    #expect(try roundTrip([0, UInt16.max]) == [0, UInt16.max])
    #expect(try roundTrip([0, UInt32.max]) == [0, UInt32.max])
    #expect(try roundTrip([0, UInt64.max]) == [0, UInt64.max])
  }

  @Test func integersAreReadAsTheirOwnTypeOnly() {
    let tensor = NamedTensor(name: "x", shape: [2], integers: [1, 2] as [UInt16])
    #expect(throws: NeuralNetworksError.self) { try tensor.integers(as: Int16.self) }
    #expect(throws: NeuralNetworksError.self) { try tensor.integers(as: UInt32.self) }
    #expect(throws: NeuralNetworksError.self) { try tensor.floats() }
  }

  @Test func everyHalfPrecisionNumberWidensExactly() throws {
    let bits = Array(UInt16.min...UInt16.max)
    let bytes = bits.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
    let tensor = NamedTensor(name: "x", elementType: .float16, shape: [65536], bytes: bytes[...])
    let floats = try tensor.floats()
    var wrong = 0
    for (pattern, value) in zip(bits, floats) {
      let sign: Float = pattern >> 15 == 1 ? -1 : 1
      let exponent = Int(pattern >> 10 & 31), fraction = Float(pattern & 1023)
      let expected: Float =
        switch exponent {
        case 0: sign * fraction * 0x1p-24
        case 31: fraction == 0 ? sign * .infinity : .nan
        default: sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
        }
      if value != expected, !(value.isNaN && expected.isNaN) { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  @Test func doublesAreRoundedToFloats() throws {
    let values: [Double] = [0.1, 1e300, -2.5]
    let bytes = values.flatMap { value in (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } }
    let tensor = NamedTensor(name: "x", elementType: .float64, shape: [3], bytes: bytes[...])
    #expect(try Array(tensor.floats()) == [0.1, .infinity, -2.5])
  }

  @Test func specialFloatsKeepTheirBits() throws {
    let values: [Float] = [.nan, .infinity, -.infinity, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
    let tensor = NamedTensor(name: "x", shape: [6], floats: values)
    let file = try SafetensorsFile(bytes: try SafetensorsWriter.bytes([tensor]))
    #expect(try file.tensor("x").floats().map(\.bitPattern) == values.map(\.bitPattern))
  }

  @Test func shapesAreCheckedWhereOneIsAskedFor() throws {
    let tensor = NamedTensor(name: "x", matrix: Matrix(rows: 2, columns: 3, elements: [1, 2, 3, 4, 5, 6]))
    #expect(tensor.count == 6 && tensor.shape == [2, 3])
    #expect(try tensor.matrix() == Matrix(rows: 2, columns: 3, elements: [1, 2, 3, 4, 5, 6]))
    #expect(try tensor.matrix(rows: 2).columns == 3)
    #expect(throws: NeuralNetworksError.self) { try tensor.matrix(columns: 2) }
    #expect(throws: NeuralNetworksError.self) { try tensor.vector(count: 6) }
    let flat = NamedTensor(name: "x", shape: [6], floats: [1, 2, 3, 4, 5, 6])
    #expect(try Array(flat.vector(count: 6)) == [1, 2, 3, 4, 5, 6])
    #expect(throws: NeuralNetworksError.self) { try flat.vector(count: 5) }
    #expect(throws: NeuralNetworksError.self) { try flat.matrix() }
  }
}

@Suite struct SafetensorsPropertyTests {
  private func randomTensors(_ random: inout RandomSource) -> [NamedTensor] {
    (0..<Int.random(in: 0...12, using: &random)).map { index in
      let type = TensorElementType.allCases.randomElement(using: &random)!
      let shape = (0..<Int.random(in: 0...4, using: &random)).map { _ in Int.random(in: 0...4, using: &random) }
      let count = shape.reduce(type.size, *)
      let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      return NamedTensor(name: "tensor \(index) é\"", elementType: type, shape: shape, bytes: bytes[...])
    }
  }

  @Test func whateverIsWrittenReadsBackTheSame() throws {
    var random = RandomSource(seed: 9)
    for _ in 0..<300 {
      let tensors = randomTensors(&random)
      let metadata = Dictionary(
        uniqueKeysWithValues: (0..<Int.random(in: 0...3, using: &random)).map { ("key \($0)", "\u{7}\($0)") })
      let bytes = try SafetensorsWriter.bytes(tensors, metadata: metadata)
      let file = try SafetensorsFile(bytes: bytes)
      #expect(file.metadata == metadata && file.tensors.count == tensors.count)
      for tensor in tensors { #expect(try file.tensor(tensor.name) == tensor) }
      #expect(try SafetensorsWriter.bytes(tensors.shuffled(using: &random), metadata: metadata) == bytes)
    }
  }

  @Test func everyTensorLiesAlignedToItsElements() throws {
    var random = RandomSource(seed: 10)
    for _ in 0..<200 {
      let bytes = try SafetensorsWriter.bytes(randomTensors(&random))
      for tensor in try SafetensorsFile(bytes: bytes).tensors {
        #expect(tensor.bytes.startIndex % tensor.elementType.size == 0)
      }
    }
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = try SafetensorsWriter.bytes(
      [
        NamedTensor(name: "a", shape: [3], floats: [1, 2, 3]),
        NamedTensor(name: "b", shape: [1], integers: [5] as [UInt8]),
      ],
      metadata: ["key": "value"])
    for length in 0..<bytes.count {
      #expect(throws: NeuralNetworksError.self) { try SafetensorsFile(bytes: Array(bytes[..<length])) }
    }
    #expect(throws: NeuralNetworksError.self) { try SafetensorsFile(bytes: bytes + [0]) }
    #expect(try SafetensorsFile(bytes: bytes).tensors.count == 2)
  }

  @Test func spaceBetweenTokensMakesNoDifference() throws {
    let header = """
      { "x" :\t{ "dtype" : "U8" ,\n "shape" : [ 2 , 1 ] , "data_offsets" : [ 0 , 2 ] } , "__metadata__" : { } }\u{20}
      """
    let text = Array(header.utf8)
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text + [8, 9]
    let file = try SafetensorsFile(bytes: bytes)
    #expect(file.tensors.map(\.name) == ["x"] && file.tensors[0].shape == [2, 1] && file.metadata.isEmpty)
    #expect(Array(file.tensors[0].bytes) == [8, 9])
  }

  @Test func damagedHeadersOfManyTensorsNeverCrashTheReader() throws {
    var random = RandomSource(seed: 11)
    let tensors = (0..<40).map {
      NamedTensor(name: "layer.\($0)", shape: [1, $0 % 3], floats: Array(repeating: 1, count: $0 % 3))
    }
    let bytes = try SafetensorsWriter.bytes(tensors, metadata: ["format": "pt"])
    var refused = 0
    for _ in 0..<3000 {
      let broken = damaged(bytes, using: &random)
      do { _ = try SafetensorsFile(bytes: broken) } catch { refused += error.message.isEmpty ? 0 : 1 }
    }
    #expect(refused > 2000)
  }
}
