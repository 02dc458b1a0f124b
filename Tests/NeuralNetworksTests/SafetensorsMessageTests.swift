import Foundation
import NeuralNetworks
import TestSupport
import Testing

/// What is said of files that are no safetensors files.
@Suite struct SafetensorsMessageTests {
  private static func file(_ header: String, data: Int = 0) -> [UInt8] {
    let header = Array(header.utf8)
    return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header
      + [UInt8](repeating: 7, count: data)
  }

  private static func refusal(_ body: () throws -> Void) -> NeuralNetworksError? {
    do { try body() } catch { return error as? NeuralNetworksError }
    return nil
  }

  /// A header as far as it is read, the rest, and what should stand in between.
  @Test(arguments: [
    ("", " {}", "a header that begins with {"), ("{} ", "x", "nothing after the header's last }"),
    ("{", "x}", "\"\"\""), ("{\"x\" ", "1}", "\":\""), (#"{"x":{"dtype":"U8""#, "", "\"}\""),
    (#"{"x":{"dtype":"U8" "#, #""shape":[]}}"#, "\"}\""), (#"{"x":"#, "null}", "\"{\""),
    (#"{"x":{"dtype":"U9""#, #","shape":[4],"data_offsets":[0,4]}}"#, "a known element type, not \"U9\""),
    (#"{"x":{"dtype":"u8""#, "}}", "a known element type, not \"u8\""),
    (#"{"x":{"shape":[4],"shape":"#, "[4]}}", "dtype, shape and data_offsets once each, not \"shape\""),
    (#"{"x":{"more":"#, "1}}", "dtype, shape and data_offsets once each, not \"more\""),
    (#"{"x":{"dtype":"U8","shape":[4]}"#, "}", "dtype, shape and two data_offsets for \"x\""),
    (
      #"{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4,4]}"#, "}", "dtype, shape and two data_offsets for \"x\""
    ),
    (
      #"{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":"#, "{}}", "each name once, and \"x\" is repeated"
    ),
    (#"{"__metadata__":{"a":"1","a":"2""#, "}}", "each metadata name once, and \"a\" is repeated"),
    (#"{"__metadata__":{"a":"#, "1}}", "\"\"\""),
    (#"{"x":{"shape":["#, "-4]}}", "a non-negative integer"), (#"{"x":{"shape":[04"#, "]}}", "a non-negative integer"),
    (#"{"x":{"shape":[4,"#, "]}}", "a non-negative integer"), (#"{"x":{"shape":[4"#, ".0]}}", "\"]\""),
    (#"{"x":{"shape":[922337203685477580"#, "8]}}", "an integer below 2⁶³"),
    (#"{"a\q"#, #"":{}}"#, "a JSON escape"), ("{\"a\u{1}", "\":{}}", "no control characters in a string"),
    (#"{"abc"#, "", "the end of a string"), (#"{"abc\"#, "", "the end of a string"),
    (#"{"\ud800"#, #"x":{}}"#, "a surrogate pair"), (#"{"\ud800\u0041"#, #"":{}}"#, "a surrogate pair"),
    (#"{"\udc00"#, #"":{}}"#, "a surrogate pair"), (#"{"\ud8"#, #"zz":{}}"#, "four hexadecimal digits"),
  ])
  func headersAreRefusedWhereTheyGoWrong(read: String, rest: String, expected: String) {
    let error = Self.refusal { _ = try SafetensorsFile(bytes: Self.file(read + rest)) }
    #expect(error?.code == .malformedFile)
    #expect(error?.message == "safetensors header, byte \(read.utf8.count): expected \(expected)")
  }

  @Test(arguments: [
    (
      #"{"x":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#,
      "tensor \"x\" spans bytes 1 to 4, expected a start at 0 and an end within 4"
    ),
    (
      #"{"x":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}"#,
      "tensor \"x\" spans bytes 0 to 5, expected a start at 0 and an end within 4"
    ),
    (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, "tensor \"x\" has 4 bytes, not those of F32 × [2]"),
    (
      #"{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#,
      "the tensors cover 3 of 4 data bytes; the file is damaged"
    ),
    (
      #"{"x":{"dtype":"I16","shape":[9223372036854775807,2],"data_offsets":[0,4]}}"#,
      "tensor \"x\" has 4 bytes, not those of I16 × [9223372036854775807, 2]"
    ),
  ])
  func tensorsThatDoNotFillTheirBytesAreNamed(header: String, expected: String) {
    let error = Self.refusal { _ = try SafetensorsFile(bytes: Self.file(header, data: 4)) }
    #expect(error == NeuralNetworksError(.malformedFile, expected))
  }

  @Test func filesThatAreTooShortSaySo() {
    let three = Self.refusal { _ = try SafetensorsFile(bytes: [1, 2, 3]) }
    #expect(three?.message == "a safetensors file has at least 8 bytes, this one has 3")
    var bytes = Self.file("{}")
    bytes[0] = 100
    let cut = Self.refusal { _ = try SafetensorsFile(bytes: bytes) }
    #expect(
      cut?.message
        == "the header is said to have 100 bytes, but 2 follow and at most 100000000 are allowed")
  }

  @Test func namesThatCannotBeWrittenAreRefused() {
    let tensor = NamedTensor(name: "x", shape: [1], floats: [1])
    for tensors in [[tensor, tensor], [NamedTensor(name: "__metadata__", shape: [1], floats: [1])]] {
      let error = Self.refusal { _ = try SafetensorsWriter.bytes(tensors) }
      #expect(
        error
          == NeuralNetworksError(
            .invalidTensor, "tensor names must be unique, and none may be \"__metadata__\""))
    }
  }

  @Test func aLookAtAHeaderNamesTheFile() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/x"
      for (bytes, expected) in [
        ([1, 2, 3], "\(path) has 3 bytes and says that its header has 197121: no safetensors file"),
        (
          Self.file(#"{"x":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#, data: 4),
          "\(path): tensor \"x\" of U8 × [3] cannot be bytes 1 to 4 of 4; the file is cut or damaged"
        ),
        (
          Self.file(#"{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, data: 4),
          "\(path): the tensors cover 3 of 4 data bytes"
        ),
        (Self.file("[]"), "\(path): safetensors header, byte 0: expected a header that begins with {"),
      ] as [([UInt8], String)] {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let error = Self.refusal { _ = try SafetensorsFile.inspect(path) }
        #expect(error == NeuralNetworksError(.malformedFile, expected))
      }
      let absent = Self.refusal { _ = try SafetensorsFile.inspect(path + "y") }
      #expect(absent == NeuralNetworksError(.unreadableFile, "cannot read \(path)y"))
    }
  }
}
