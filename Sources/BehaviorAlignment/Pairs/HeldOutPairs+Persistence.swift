internal import ItemCatalog
public import NeuralNetworks

extension HeldOutPairs {
  private static let architecture = "tessera held-out pairs 1"

  /// SHA-256, in hexadecimal, over all columns.
  public var fingerprint: String {
    var hasher = ContentHasher()
    hasher.updateField(Self.architecture)
    for column in [triggers, targets, ContiguousArray(places.lazy.map(UInt32.init))] {
      hasher.update(UInt64(column.count))
      for value in column { hasher.update(UInt64(value)) }
    }
    return hasher.finalize().hex
  }

  /// Writes a safetensors file with the tensors `trigger` and `target` (U32) and `place` (U16).
  public func write(to path: String, itemCount: Int) throws(AlignmentError) {
    let tensors = [
      NamedTensor(name: "trigger", shape: [count], integers: triggers),
      NamedTensor(name: "target", shape: [count], integers: targets),
      NamedTensor(name: "place", shape: [count], integers: places),
    ]
    let metadata = ["architecture": Self.architecture, "items": "\(itemCount)", "fingerprint": fingerprint]
    do {
      try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
    } catch {
      throw AlignmentError(.unwritablePairs, error.message)
    }
  }

  /// Reads pairs that ``write(to:itemCount:)`` wrote for as many items, and checks that they are those.
  public init(contentsOf path: String, itemCount: Int) throws(AlignmentError) {
    do {
      try self.init(try SafetensorsFile.read(path, maximumBytes: 64 << 30), itemCount: itemCount)
    } catch let error as AlignmentError {
      throw AlignmentError(error.code, "\(path): \(error.message)")
    } catch {
      throw AlignmentError(.unreadablePairs, "\(error)")
    }
  }

  /// Takes the pairs out of a file, of which nothing is believed.
  public init(_ file: SafetensorsFile, itemCount: Int) throws(AlignmentError) {
    do throws(NeuralNetworksError) {
      guard try file.metadata("architecture") == Self.architecture, try file.metadata("items") == "\(itemCount)" else {
        throw NeuralNetworksError(
          .unexpectedTensor, "no held-out pairs of \(itemCount) items; run the stage that mines pairs again")
      }
      triggers = try file.tensor("trigger").integers()
      targets = try file.tensor("target").integers()
      places = try file.tensor("place").integers()
      let isSound =
        triggers.count == targets.count && triggers.count == places.count
        && triggers.allSatisfy { $0 < itemCount } && targets.allSatisfy { $0 < itemCount }
      guard isSound, try file.metadata("fingerprint") == fingerprint else {
        throw NeuralNetworksError(
          .unexpectedTensor, "other held-out pairs than were written; run the stage that mines pairs again")
      }
    } catch {
      throw AlignmentError(.unreadablePairs, error.message)
    }
  }
}
