/// Writes safetensors files. The same tensors and metadata give the same bytes, whatever their order.
public enum SafetensorsWriter {
  /// Writes to a temporary name beside `path`, syncs and renames, so that a reader sees a whole file or none, after a
  /// crash too.
  /// - Complexity: O(bytes) time; memory for the header only.
  public static func write(
    _ tensors: [NamedTensor], metadata: [String: String] = [:], to path: String
  ) throws(NeuralNetworksError) {
    let ordered = try Self.ordered(tensors)
    let start = try start(ordered, metadata: metadata)
    let file = try ReplacementFile(path)
    try file.append(.array(start[...]))
    for tensor in ordered { try file.append(tensor.storage) }
    try file.commit()
  }

  /// A whole file. Tensors lie in the reference writer's order (wide types first, then by name), metadata by name,
  /// and the header is padded with spaces so that the data begins at a multiple of eight.
  public static func bytes(
    _ tensors: [NamedTensor], metadata: [String: String] = [:]
  ) throws(NeuralNetworksError) -> [UInt8] {
    let ordered = try Self.ordered(tensors)
    var contents = try start(ordered, metadata: metadata)
    contents.reserveCapacity(contents.count + ordered.reduce(0) { $0 + $1.storage.count })
    for tensor in ordered { contents.append(contentsOf: tensor.bytes) }
    return contents
  }

  private static func ordered(_ tensors: [NamedTensor]) throws(NeuralNetworksError) -> [NamedTensor] {
    let ordered = tensors.sorted { left, right in
      left.elementType == right.elementType
        ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8) : left.elementType.rank > right.elementType.rank
    }
    guard Set(ordered.map(\.name)).count == ordered.count, !ordered.contains(where: { $0.name == "__metadata__" })
    else {
      throw NeuralNetworksError(.invalidTensor, "tensor names must be unique, and none may be \"__metadata__\"")
    }
    return ordered
  }

  /// All that stands before the tensors' bytes.
  private static func start(
    _ ordered: [NamedTensor], metadata: [String: String]
  ) throws(NeuralNetworksError) -> [UInt8] {
    var header = Array(self.header(ordered, metadata: metadata).utf8)
    header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
    guard header.count <= SafetensorsFile.maximumHeaderBytes else {
      throw NeuralNetworksError(.tooLarge, "a header of \(header.count) bytes; shorten the metadata or the names")
    }
    return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header
  }

  private static func header(_ tensors: [NamedTensor], metadata: [String: String]) -> String {
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      members.append("\"__metadata__\":{" + pairs.map { quoted($0) + ":" + quoted($1) }.joined(separator: ",") + "}")
    }
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.storage.count
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        quoted(tensor.name)
          + ":{\"dtype\":\"\(tensor.elementType.rawValue)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    return "{" + members.joined(separator: ",") + "}"
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{8}": result += "\\b"
      case "\u{C}": result += "\\f"
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
