internal import Foundation

extension SafetensorsFile {
  /// What a file's header says it holds.
  public struct Inventory: Sendable, Equatable {
    public let tensors: Int
    /// Numbers in all tensors together.
    public let elements: Int
  }

  /// Reads and checks a file's header and size, without its tensors: as strict as ``read(_:maximumBytes:)``, at the
  /// cost of the header alone.
  public static func inspect(_ path: String) throws(NeuralNetworksError) -> Inventory {
    do {
      guard let file = FileHandle(forReadingAtPath: path) else {
        throw NeuralNetworksError(.unreadableFile, "cannot read \(path)")
      }
      defer { try? file.close() }
      let prefix = [UInt8](try file.read(upToCount: 8) ?? Data())
      let declared = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let size = try file.seekToEnd()
      guard prefix.count == 8, declared <= UInt64(maximumHeaderBytes), declared + 8 <= size else {
        throw NeuralNetworksError(
          .malformedFile, "\(path) has \(size) bytes and says that its header has \(declared): no safetensors file")
      }
      try file.seek(toOffset: 8)
      let header = [UInt8](try file.read(upToCount: Int(declared)) ?? Data())
      var parser = SafetensorsHeaderParser(header[...])
      return try inventory(parser.parse().entries, dataBytes: Int(size) - 8 - Int(declared))
    } catch let error as NeuralNetworksError {
      throw NeuralNetworksError(error.code, error.message.contains(path) ? error.message : "\(path): \(error.message)")
    } catch {
      throw NeuralNetworksError(.unreadableFile, "cannot read \(path): \(error.localizedDescription)")
    }
  }

  private static func inventory(
    _ entries: [SafetensorsHeaderEntry], dataBytes: Int
  ) throws(NeuralNetworksError) -> Inventory {
    var covered = 0, elements = 0
    for entry in entries.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
      guard entry.start == covered, entry.end >= entry.start, entry.end <= dataBytes,
        byteCount(shape: entry.shape, entry.elementType) == entry.end - entry.start
      else {
        throw NeuralNetworksError(
          .malformedFile,
          "tensor \"\(entry.name)\" of \(entry.elementType.rawValue) × \(entry.shape) cannot be bytes \(entry.start) to "
            + "\(entry.end) of \(dataBytes); the file is cut or damaged")
      }
      covered = entry.end
      elements += entry.shape.reduce(1, *)
    }
    guard covered == dataBytes else {
      throw NeuralNetworksError(.malformedFile, "the tensors cover \(covered) of \(dataBytes) data bytes")
    }
    return Inventory(tensors: entries.count, elements: elements)
  }
}
