internal import Foundation
internal import ItemCatalog
package import NeuralNetworks
internal import TensorMath

// One safetensors file: the parameters by name behind `network.`, `rows` and `counts` (U32) of the vocabulary, and the
// configuration as JSON.
extension TwoTowerModel {
  private static let format = "tessera two-tower model 1"
  private static let prefix = "network."

  /// SHA-256, in hexadecimal, over everything that a vector depends on.
  public var fingerprint: String {
    var hasher = ContentHasher()
    hasher.updateField(sortedJSON(configuration))
    for tensor in tensors {
      hasher.updateField(tensor.name)
      hasher.updateField(Array(tensor.bytes))
    }
    return hasher.finalize().hex
  }

  private var tensors: [NamedTensor] {
    parameters.entries.map { NamedTensor(name: Self.prefix + $0.name, matrix: $0.value) } + [
      NamedTensor(name: "rows", shape: [vocabulary.count], integers: vocabulary.rows),
      NamedTensor(name: "counts", shape: [vocabulary.count], integers: vocabulary.counts),
    ]
  }

  /// Writes the file whole or not at all.
  public func write(to path: String) throws(AlignmentError) {
    do {
      try SafetensorsWriter.write(
        tensors,
        metadata: ["format": Self.format, "configuration": sortedJSON(configuration), "fingerprint": fingerprint],
        to: path)
    } catch {
      throw AlignmentError(.unwritableModel, "\(error)")
    }
  }

  /// Reads a model that ``write(to:)`` wrote.
  /// - Parameter itemCount: rows of the item table that the model was trained on.
  /// - Throws: ``AlignmentError/Code/unreadableModel`` for a file that is no such model, or damaged.
  public init(contentsOf path: String, itemCount: Int) throws(AlignmentError) {
    do {
      try self.init(try SafetensorsFile.read(path), itemCount: itemCount)
    } catch let error as AlignmentError {
      throw AlignmentError(error.code, "\(path): \(error.message)")
    } catch {
      throw AlignmentError(.unreadableModel, "\(error)")
    }
  }

  /// Takes the model out of a file, of which nothing is believed.
  package init(_ file: SafetensorsFile, itemCount: Int) throws(AlignmentError) {
    do {
      guard try file.metadata("format") == Self.format else { throw Self.unreadable("not a \"\(Self.format)\" file") }
      let configuration = try JSONDecoder().decode(
        Configuration.self, from: Data(try file.metadata("configuration").utf8))
      try configuration.validate()
      let vocabulary = try Self.vocabulary(file, itemCount: itemCount)
      let scope = ParameterScope(loading: file, prefix: Self.prefix)
      let network = try TwoTowerNetwork(scope, configuration, itemCount: vocabulary.count)
      self.init(configuration, vocabulary, network, try scope.finish())
      guard try file.metadata("fingerprint") == fingerprint,
        parameters.entries.allSatisfy({ $0.value.firstNonFiniteRow() == nil })
      else { throw Self.unreadable("other numbers than were written") }
    } catch let error as AlignmentError where error.code == .unreadableModel {
      throw error
    } catch {
      throw Self.unreadable("\(error)")
    }
  }

  private static func vocabulary(_ file: SafetensorsFile, itemCount: Int) throws -> ItemVocabulary {
    let rows: ContiguousArray<UInt32> = try file.tensor("rows").integers()
    let counts: ContiguousArray<UInt32> = try file.tensor("counts").integers()
    let isSound =
      !rows.isEmpty && rows.count == counts.count && !counts.contains(0) && rows.allSatisfy { $0 < itemCount }
      && zip(rows, rows.dropFirst()).allSatisfy { $0 < $1 }
    guard isSound else { throw unreadable("\(rows.count) items that are none of \(itemCount)") }
    return ItemVocabulary(rows: rows, counts: counts, itemCount: itemCount)
  }

  private static func unreadable(_ found: String) -> AlignmentError {
    AlignmentError(.unreadableModel, "\(found); restore the file or train the two-tower model again")
  }
}
