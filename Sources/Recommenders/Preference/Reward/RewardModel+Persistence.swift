internal import Foundation
internal import NeuralNetworks
internal import TensorMath

// One safetensors file: the parameters by name behind `network.`, and as metadata configuration, objectives and quality
// as JSON, the number of items, and what tells the codes apart that items are read by.
extension RewardModel {
  private static let format = "tessera reward model 1"
  /// More than any catalogue has, and few enough that no product overflows.
  private static let maximumItems = 1 << 31

  /// Writes to a temporary name and renames.
  public func write(to path: String) throws(RecommenderError) {
    var metadata = tokens.map { CodeGeneration($0).metadata } ?? [:]
    metadata["format"] = Self.format
    metadata["configuration"] = Generator.json(configuration)
    metadata["objectives"] = Generator.json(objectives)
    metadata["quality"] = Generator.json(quality)
    metadata["items"] = "\(itemCount)"
    metadata["fingerprint"] = fingerprint
    do {
      try SafetensorsWriter.write(
        parameters.entries.map { NamedTensor(name: "network." + $0.name, matrix: $0.value) }, metadata: metadata,
        to: path)
    } catch {
      throw RecommenderError(.unwritableModel, "\(error)")
    }
  }

  /// - Parameter tokens: the codes that it was trained on; nil for a model that reads none.
  /// - Throws: ``RecommenderError/Code/unreadableModel`` for a file that is no reward model, or damaged, and
  ///   ``RecommenderError/Code/otherGeneration`` for one of other codes.
  public init(contentsOf path: String, tokens: ItemTokens? = nil) throws(RecommenderError) {
    do {
      try self.init(try SafetensorsFile.read(path), tokens, name: path)
    } catch let error as RecommenderError {
      throw error
    } catch {
      throw RecommenderError(.unreadableModel, "\(path): \(error)")
    }
  }

  private init(_ file: SafetensorsFile, _ tokens: ItemTokens?, name: String) throws {
    let found = try file.metadata("format")
    guard found == Self.format else {
      throw RecommenderError(
        .unreadableModel, "\(name) is a \"\(found.prefix(40))\", expected a \"\(Self.format)\"; train anew")
    }
    func decode<Value: Decodable>(_ type: Value.Type, _ key: String) throws -> Value {
      try JSONDecoder().decode(type, from: Data(try file.metadata(key).utf8))
    }
    let configuration = try decode(RewardConfiguration.self, "configuration")
    let objectives = try decode([RewardObjective].self, "objectives")
    try configuration.validate()
    try RewardObjective.validate(objectives)
    guard let itemCount = Int(try file.metadata("items")), (1..<Self.maximumItems).contains(itemCount) else {
      throw RecommenderError(.unreadableModel, "\(name) does not say how many items it is of; train anew")
    }
    var codes: ItemTokens?
    if configuration.readsCodes {
      guard let tokens, tokens.itemCount == itemCount else {
        throw RecommenderError(
          .otherGeneration,
          "\(name) reads the codes of \(itemCount) items, and those given are of \(tokens?.itemCount ?? 0)")
      }
      try CodeGeneration(tokens).check(file.metadata, of: name)
      codes = tokens
    }
    // Before memory is taken for a table of that height.
    let table = try file.tensor("network.items.weight")
    guard table.shape == [itemCount, configuration.width] else {
      throw RecommenderError(
        .unreadableModel, "\(name) has vectors of \(table.shape), expected [\(itemCount), \(configuration.width)]")
    }
    let scope = ParameterScope(loading: file, prefix: "network.")
    let network = try RewardNetwork(
      scope, configuration, itemCount: itemCount, objectiveCount: objectives.count, codes)
    self.init(
      configuration, objectives, itemCount: itemCount, codes, network, try scope.finish(),
      quality: try decode(RewardQuality.self, "quality"))
    try parameters.requireIntact(fingerprint: fingerprint, stored: try file.metadata("fingerprint"), in: name)
  }

  static func fingerprint(
    _ configuration: RewardConfiguration, _ objectives: [RewardObjective], _ itemCount: Int, _ tokens: ItemTokens?,
    _ parameters: ParameterSet, _ quality: RewardQuality
  ) -> String {
    var checksum = Checksum()
    checksum.add(Generator.json(configuration))
    checksum.add(Generator.json(objectives))
    checksum.add(Generator.json(quality))
    checksum.add(UInt64(itemCount))
    if let tokens { checksum.add(CodeGeneration(tokens).checksum) }
    for entry in parameters.entries {
      checksum.add(entry.name)
      for value in entry.value.elements { checksum.add(UInt64(value.bitPattern)) }
    }
    return checksum.hexadecimal
  }
}
