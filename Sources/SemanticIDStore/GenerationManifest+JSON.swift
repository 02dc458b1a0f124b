internal import Foundation

extension GenerationManifest {
  func json() throws(StoreError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return Array(try encoder.encode(self))
    } catch {
      throw StoreError(.invalidDraft, "the manifest cannot be written as JSON; its metrics must be finite: \(error)")
    }
  }

  /// A manifest as the store reads it, for tools and tests.
  package static func decode(_ json: [UInt8], generation: UInt64) throws(StoreError) -> GenerationManifest {
    try GenerationManifest(json: json, number: generation, path: "manifest")
  }

  /// Reads a manifest and checks what the rest of the store relies on.
  init(json bytes: [UInt8], number: UInt64, path: String) throws(StoreError) {
    let place = "\(path): database meta, key generation/\(Layout.hexadecimal(number))"
    do {
      self = try JSONDecoder().decode(GenerationManifest.self, from: Data(bytes))
    } catch {
      throw StoreError(.damaged, "\(place): the value is not a manifest: \(error)")
    }
    guard format == Int(Layout.format) else {
      throw StoreError(.unsupportedFormat, "\(place): layout \(format), this program knows layout \(Layout.format)")
    }
    let bounds =
      (0...StoreLimits.levels).contains(levels) && items >= 0 && semanticIDs >= 0 && dimensions >= 0
      && dimensions <= Int(Int32.max) && (0...Int(UInt16.max)).contains(neighborsPerItem) && itemSetSize >= 0
    let shape =
      (codebookSizes.isEmpty || codebookSizes.count == levels)
      && codebookSizes.allSatisfy { (1...StoreLimits.codebookSize).contains($0) }
      && pricedLevels.allSatisfy { codebookSizes.indices.contains($0) }
    guard bounds, shape, generation == number else {
      throw StoreError(
        .damaged,
        "\(place): the manifest contradicts itself or the layout's limits (generation \(generation), "
          + "levels \(levels), codebooks \(codebookSizes), \(dimensions) dimensions)")
    }
  }
}
