/// A safetensors file, mapped or in memory: named tensors and string metadata.
///
/// Layout: a little-endian `u64` header length, that many bytes of JSON, then the tensors' bytes without a gap. Files
/// come from downloads, so nothing in them is believed: the header's size is capped, every product and offset is
/// checked, names are unique, and the tensors cover the data exactly, without overlap. Source:
/// https://github.com/huggingface/safetensors (`safetensors/src/tensor.rs`).
public struct SafetensorsFile: Sendable {
  /// The cap on the JSON header that the reference implementation sets too.
  public static let maximumHeaderBytes = 100_000_000

  /// In the order of their bytes in the file.
  public let tensors: [NamedTensor]
  public let metadata: [String: String]
  private let positions: [String: Int]

  /// Maps a file. Its header is read now, a tensor's bytes when its elements are asked for.
  /// - Parameter maximumBytes: a larger file is refused before any of it is read.
  /// - Complexity: O(header size · log(tensors)) time and memory.
  public static func read(
    _ path: String, maximumBytes: Int = 16 << 30
  ) throws(NeuralNetworksError) -> SafetensorsFile {
    let file = try MappedFile(path, maximumBytes: maximumBytes)
    do {
      return try SafetensorsFile(.mapped(file, 0..<file.count))
    } catch {
      throw NeuralNetworksError(error.code, "\(path): \(error.message)")
    }
  }

  /// Parses a whole file that is already in memory.
  /// - Complexity: O(header size · log(tensors)); tensor bytes are shared, not copied.
  public init(bytes: [UInt8]) throws(NeuralNetworksError) { try self.init(.array(bytes[...])) }

  private init(_ contents: TensorStorage) throws(NeuralNetworksError) {
    guard contents.count >= 8 else {
      throw NeuralNetworksError(
        .malformedFile, "a safetensors file has at least 8 bytes, this one has \(contents.count)")
    }
    let declared = contents.part(0..<8).bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard declared <= UInt64(Self.maximumHeaderBytes), Int(declared) <= contents.count - 8 else {
      throw NeuralNetworksError(
        .malformedFile,
        "the header is said to have \(declared) bytes, but \(contents.count - 8) follow "
          + "and at most \(Self.maximumHeaderBytes) are allowed")
    }
    let dataStart = 8 + Int(declared)
    var parser = SafetensorsHeaderParser(contents.part(8..<dataStart).bytes)
    let header = try parser.parse()
    metadata = header.metadata
    tensors = try Self.tensors(header.entries, in: contents.part(dataStart..<contents.count))
    positions = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
  }

  private init(_ tensors: [NamedTensor], metadata: [String: String], positions: [String: Int]) {
    self.tensors = tensors
    self.metadata = metadata
    self.positions = positions
  }

  /// The file with other numbers in some of its tensors, as fine-tuning leaves them.
  /// - Throws: ``NeuralNetworksError/Code/unexpectedTensor`` for a tensor that the file lacks, or has in another shape.
  package func replacing(_ changed: [NamedTensor]) throws(NeuralNetworksError) -> SafetensorsFile {
    var tensors = tensors
    for tensor in changed {
      guard let position = positions[tensor.name], tensors[position].shape == tensor.shape else {
        throw NeuralNetworksError(
          .unexpectedTensor,
          "there is no tensor \"\(tensor.name)\" of shape \(tensor.shape) to replace; the two files are of different models"
        )
      }
      tensors[position] = tensor
    }
    return SafetensorsFile(tensors, metadata: metadata, positions: positions)
  }

  /// The tensor of that name.
  public func tensor(_ name: String) throws(NeuralNetworksError) -> NamedTensor {
    guard let position = positions[name] else {
      throw NeuralNetworksError(.missingEntry, "no tensor \"\(name)\" among the \(tensors.count) of the file")
    }
    return tensors[position]
  }

  /// The metadata entry of that name.
  public func metadata(_ name: String) throws(NeuralNetworksError) -> String {
    guard let value = metadata[name] else {
      throw NeuralNetworksError(.missingEntry, "the file's metadata has no \"\(name)\"")
    }
    return value
  }

  /// Checks the header's entries against the data and cuts it up.
  private static func tensors(
    _ entries: [SafetensorsHeaderEntry], in data: TensorStorage
  ) throws(NeuralNetworksError) -> [NamedTensor] {
    let ordered = entries.sorted { ($0.start, $0.end, $0.name) < ($1.start, $1.end, $1.name) }
    var tensors: [NamedTensor] = []
    tensors.reserveCapacity(ordered.count)
    var covered = 0
    for entry in ordered {
      guard entry.start == covered, entry.end >= entry.start, entry.end <= data.count else {
        throw NeuralNetworksError(
          .malformedFile,
          "tensor \"\(entry.name)\" spans bytes \(entry.start) to \(entry.end), "
            + "expected a start at \(covered) and an end within \(data.count)")
      }
      guard byteCount(shape: entry.shape, entry.elementType) == entry.end - entry.start else {
        throw NeuralNetworksError(
          .malformedFile,
          "tensor \"\(entry.name)\" has \(entry.end - entry.start) bytes, "
            + "not those of \(entry.elementType.rawValue) × \(entry.shape)")
      }
      tensors.append(
        NamedTensor(
          name: entry.name, elementType: entry.elementType, shape: entry.shape,
          storage: data.part(entry.start..<entry.end)))
      covered = entry.end
    }
    guard covered == data.count else {
      throw NeuralNetworksError(
        .malformedFile, "the tensors cover \(covered) of \(data.count) data bytes; the file is damaged")
    }
    return tensors
  }
}
