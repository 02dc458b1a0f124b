internal import ItemCatalog
package import NeuralNetworks
public import TensorMath

/// Vectors that a model of behavior learned for items, by item id: what is kept of it from night to night, so that an
/// item keeps its vector though its row in the catalogue moves.
public struct BehaviorVectors: Sendable, Equatable {
  /// What the modality is called among those of a representation.
  public static let modality = "behavior"
  private static let architecture = "tessera behavior vectors 1"
  private static let maximumBytes = 64 << 30

  /// One a row of ``vectors``, none twice.
  public let ids: [String]
  /// `ids × dimensions`, unit-length rows.
  public let vectors: Matrix
  /// SHA-256, in hexadecimal, over all of it.
  public let fingerprint: String
  private let rows: [ByteString: Int]

  /// - Parameter vectors: one a row; scaled to unit length here.
  /// - Precondition: as many ids as rows, none twice, none empty or with a line break.
  public init(ids: [String], vectors: Matrix) {
    precondition(ids.count == vectors.rows, "\(ids.count) ids for \(vectors.rows) vectors")
    var unit = vectors
    unit.normalizeRows()
    self.init(ids: ids, unit: unit)
  }

  private init(ids: [String], unit: Matrix) {
    self.ids = ids
    vectors = unit
    rows = Dictionary(ids.enumerated().map { (ByteString($1), $0) }, uniquingKeysWith: { first, _ in first })
    var hasher = ContentHasher()
    hasher.updateField(Self.architecture)
    hasher.update(UInt64(unit.columns))
    for id in ids { hasher.updateField(id) }
    hasher.updateField(unit.elements)
    fingerprint = hasher.finalize().hex
  }

  public var dimensions: Int { vectors.columns }

  /// The vectors of some items as a modality, which items without one lack.
  public func batch(of ids: some Collection<String>) -> ModalityBatch {
    let found = ids.map { rows[ByteString($0)] }
    var elements = ContiguousArray<Float>()
    elements.reserveCapacity(found.count * dimensions)
    for row in found {
      if let row { elements += vectors.row(row) } else { elements += repeatElement(0, count: dimensions) }
    }
    return ModalityBatch(
      name: Self.modality, vectors: Matrix(rows: found.count, columns: dimensions, elements: elements),
      isPresent: found.map { $0 != nil })
  }

  /// Writes a safetensors file with the tensors `vectors` (F32) and `ids` (U8: UTF-8, a line break behind each).
  public func write(to path: String) throws(AlignmentError) {
    let text = ids.flatMap { Array($0.utf8) + [UInt8(ascii: "\n")] }
    do {
      try SafetensorsWriter.write(
        [
          NamedTensor(name: "vectors", matrix: vectors),
          NamedTensor(name: "ids", shape: [text.count], integers: text),
        ],
        metadata: ["architecture": Self.architecture, "fingerprint": fingerprint], to: path)
    } catch {
      throw AlignmentError(.unwritableModel, error.message)
    }
  }

  /// Reads what ``write(to:)`` wrote, and checks that it is what was written.
  public init(contentsOf path: String) throws(AlignmentError) {
    do {
      try self.init(try SafetensorsFile.read(path, maximumBytes: Self.maximumBytes))
    } catch let error as AlignmentError {
      throw AlignmentError(error.code, "\(path): \(error.message)")
    } catch {
      throw AlignmentError(.unreadableModel, "\(error)")
    }
  }

  /// Takes the vectors out of a file, of which nothing is believed.
  package init(_ file: SafetensorsFile) throws(AlignmentError) {
    let stored: String
    do {
      guard try file.metadata("architecture") == Self.architecture else {
        throw Self.unreadable("not a \"\(Self.architecture)\" file")
      }
      stored = try file.metadata("fingerprint")
      let tensor = try file.tensor("vectors"), text = try file.tensor("ids")
      guard tensor.shape.count == 2, text.elementType == .uint8 else {
        throw Self.unreadable("the vectors have \(tensor.shape.count) extents, expected 2, or the ids are no bytes")
      }
      let lines = text.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      let ids = lines.dropLast().map { String(decoding: $0, as: UTF8.self) }
      guard ids.count == tensor.shape[0], lines.last?.isEmpty == true,
        Set(ids.lazy.map(ByteString.init)).count == ids.count
      else {
        throw Self.unreadable("\(ids.count) ids for \(tensor.shape[0]) vectors, or an id twice")
      }
      self.init(ids: ids, unit: try tensor.matrix(rows: tensor.shape[0], columns: tensor.shape[1]))
    } catch let error as AlignmentError {
      throw error
    } catch {
      throw Self.unreadable("\(error)")
    }
    guard stored == fingerprint, vectors.firstNonFiniteRow() == nil else {
      throw Self.unreadable("other vectors than were written: fingerprint \(fingerprint), expected \(stored)")
    }
  }

  private static func unreadable(_ found: String) -> AlignmentError {
    AlignmentError(.unreadableModel, "\(found); restore the file or run the stage 'behavior' again")
  }
}
