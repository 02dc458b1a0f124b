internal import Foundation

/// A safetensors file in memory: named tensors and string metadata.
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

  /// Reads a whole file.
  /// - Parameter maximumBytes: a larger file is refused before any of it is read.
  /// - Complexity: O(file size) time and memory.
  public static func read(
    _ path: String, maximumBytes: Int = 16 << 30
  ) throws(NeuralNetworksError) -> SafetensorsFile {
    let contents: [UInt8]
    let size: Int
    do {
      size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    } catch {
      throw NeuralNetworksError(.unreadableFile, "cannot read \(path): \(error.localizedDescription)")
    }
    guard size <= maximumBytes else {
      throw NeuralNetworksError(.tooLarge, "\(path) has \(size) bytes, more than the \(maximumBytes) allowed")
    }
    do {
      contents = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw NeuralNetworksError(.unreadableFile, "cannot read \(path): \(error.localizedDescription)")
    }
    do {
      return try SafetensorsFile(bytes: contents)
    } catch {
      throw NeuralNetworksError(error.code, "\(path): \(error.message)")
    }
  }

  /// Parses a whole file that is already in memory.
  /// - Complexity: O(header size · log(tensors)); tensor bytes are shared, not copied.
  public init(bytes: [UInt8]) throws(NeuralNetworksError) {
    guard bytes.count >= 8 else {
      throw NeuralNetworksError(.malformedFile, "a safetensors file has at least 8 bytes, this one has \(bytes.count)")
    }
    let declared = bytes[0..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard declared <= UInt64(Self.maximumHeaderBytes), Int(declared) <= bytes.count - 8 else {
      throw NeuralNetworksError(
        .malformedFile,
        "the header is said to have \(declared) bytes, but \(bytes.count - 8) follow "
          + "and at most \(Self.maximumHeaderBytes) are allowed")
    }
    let dataStart = 8 + Int(declared)
    var parser = SafetensorsHeaderParser(bytes[8..<dataStart])
    let header = try parser.parse()
    metadata = header.metadata
    tensors = try Self.tensors(header.entries, in: bytes, from: dataStart)
    positions = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
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
    _ entries: [SafetensorsHeaderEntry], in bytes: [UInt8], from dataStart: Int
  ) throws(NeuralNetworksError) -> [NamedTensor] {
    let ordered = entries.sorted { ($0.start, $0.end, $0.name) < ($1.start, $1.end, $1.name) }
    var tensors: [NamedTensor] = []
    tensors.reserveCapacity(ordered.count)
    var covered = 0
    for entry in ordered {
      guard entry.start == covered, entry.end >= entry.start, entry.end <= bytes.count - dataStart else {
        throw NeuralNetworksError(
          .malformedFile,
          "tensor \"\(entry.name)\" spans bytes \(entry.start) to \(entry.end), "
            + "expected a start at \(covered) and an end within \(bytes.count - dataStart)")
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
          bytes: bytes[dataStart + entry.start..<dataStart + entry.end]))
      covered = entry.end
    }
    guard covered == bytes.count - dataStart else {
      throw NeuralNetworksError(
        .malformedFile, "the tensors cover \(covered) of \(bytes.count - dataStart) data bytes; the file is damaged")
    }
    return tensors
  }
}
