internal import ItemCatalog
public import NeuralNetworks

extension PairTable {
  /// Raised when the columns mean something else than before.
  private static let architecture = "tessera pairs 1"

  /// SHA-256, in hexadecimal, over all columns and the number of items.
  public var fingerprint: String {
    var hasher = ContentHasher()
    hasher.updateField(Self.architecture)
    hasher.update(UInt64(itemCount))
    for column in [triggers, targets, supports] { hasher.updateField(littleEndian(column)) }
    hasher.updateField(sources.map(\.rawValue))
    hasher.updateField(littleEndian(ContiguousArray(weights.lazy.map(\.bitPattern))))
    return hasher.finalize().hex
  }

  /// Writes the table as a safetensors file with the tensors `trigger`, `target` and `support` (U32), `source` (U8)
  /// and `weight` (F32); the file is complete or not there.
  public func write(to path: String) throws(AlignmentError) {
    let tensors = [
      NamedTensor(name: "trigger", shape: [count], integers: triggers),
      NamedTensor(name: "target", shape: [count], integers: targets),
      NamedTensor(name: "source", shape: [count], integers: sources.map(\.rawValue)),
      NamedTensor(name: "weight", shape: [count], floats: weights),
      NamedTensor(name: "support", shape: [count], integers: supports),
    ]
    let metadata = ["architecture": Self.architecture, "items": "\(itemCount)", "fingerprint": fingerprint]
    do {
      try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    } catch {
      throw AlignmentError(.unwritablePairs, error.message)
    }
  }

  /// Reads a table that ``write(to:)`` wrote, and checks that it is the one that was written.
  /// - Parameter itemCount: rows of the item table that the caller has; nil takes any.
  public init(contentsOf path: String, itemCount: Int? = nil) throws(AlignmentError) {
    do {
      try self.init(try SafetensorsFile.read(path, maximumBytes: 64 << 30), itemCount: itemCount)
    } catch let error as AlignmentError {
      throw AlignmentError(error.code, "\(path): \(error.message)")
    } catch {
      throw AlignmentError(.unreadablePairs, "\(error)")
    }
  }

  /// Takes the table out of a file, of which nothing is believed.
  public init(_ file: SafetensorsFile, itemCount expectedItems: Int? = nil) throws(AlignmentError) {
    do {
      guard try file.metadata("architecture") == Self.architecture else {
        throw Self.unreadable("not a \"\(Self.architecture)\" file; mine the pairs anew")
      }
      guard let items = Int(try file.metadata("items")), (0...Int(UInt32.max)).contains(items) else {
        throw Self.unreadable("the metadata's \"items\" is no number of items; mine the pairs anew")
      }
      guard expectedItems ?? items == items else {
        throw Self.unreadable(
          "the pairs are of a catalogue of \(items) items, expected \(expectedItems ?? 0); mine the pairs anew")
      }
      let columns = try Columns(file)
      try columns.check(itemCount: items)
      self.init(itemCount: items, (0..<columns.triggers.count).lazy.map { columns[$0] })
      guard try file.metadata("fingerprint") == fingerprint else {
        throw Self.unreadable("holds other pairs than were written; restore the file or mine the pairs anew")
      }
    } catch let error as AlignmentError {
      throw error
    } catch {
      throw AlignmentError(.unreadablePairs, "\(error)")
    }
  }

  fileprivate static func unreadable(_ message: String) -> AlignmentError { AlignmentError(.unreadablePairs, message) }
}

/// The columns of a file before they are known to be a table.
private struct Columns {
  let triggers: ContiguousArray<UInt32>
  let targets: ContiguousArray<UInt32>
  let sources: ContiguousArray<UInt8>
  let weights: ContiguousArray<Float>
  let supports: ContiguousArray<UInt32>

  init(_ file: SafetensorsFile) throws {
    triggers = try file.tensor("trigger").integers()
    targets = try file.tensor("target").integers()
    sources = try file.tensor("source").integers()
    weights = try file.tensor("weight").floats()
    supports = try file.tensor("support").integers()
    let counts = [targets.count, sources.count, weights.count, supports.count]
    guard counts.allSatisfy({ $0 == triggers.count }) else {
      throw PairTable.unreadable("columns of \(triggers.count) and \(counts) elements; mine the pairs anew")
    }
  }

  func check(itemCount: Int) throws {
    for row in triggers.indices {
      guard Int(triggers[row]) < itemCount, Int(targets[row]) < itemCount, triggers[row] != targets[row],
        PairSource(rawValue: sources[row]) != nil, weights[row] > 0, weights[row].isFinite, supports[row] > 0
      else {
        throw PairTable.unreadable("row \(row) is no pair of \(itemCount) items; mine the pairs anew")
      }
      guard row > 0 else { continue }
      let former = (sources[row - 1], triggers[row - 1], targets[row - 1])
      guard former < (sources[row], triggers[row], targets[row]) else {
        throw PairTable.unreadable("row \(row) is not in order; mine the pairs anew")
      }
    }
  }

  subscript(row: Int) -> PairTable.Pair {
    PairTable.Pair(
      trigger: triggers[row], target: targets[row], source: PairSource(rawValue: sources[row]) ?? .swing,
      weight: weights[row], support: supports[row])
  }
}

func littleEndian(_ values: ContiguousArray<UInt32>) -> [UInt8] {
  unsafe values.withUnsafeBytes { unsafe [UInt8]($0) }
}
