internal import Foundation
internal import NeuralNetworks
internal import TensorMath

// One safetensors file: the parameters by name behind `network.`, `popularity` (U32, one an item), and as metadata the
// configuration as JSON and what tells the codes apart that the parameters belong to.
extension Generator {
  private static let format = "tessera generator 2"

  /// Writes to a temporary name and renames.
  public func write(to path: String) throws(RecommenderError) {
    let tensors =
      parameters.entries.map { NamedTensor(name: "network." + $0.name, matrix: $0.value) }
      + [NamedTensor(name: "popularity", shape: [popularity.count], integers: popularity)]
    do {
      try SafetensorsWriter.write(
        tensors,
        metadata: [
          "format": Self.format, "configuration": Self.json(configuration), "fingerprint": fingerprint,
        ].merging(CodeGeneration(vocabulary.tokens).metadata) { first, _ in first }, to: path)
    } catch {
      throw RecommenderError(.unwritableModel, "\(error)")
    }
  }

  /// - Parameter tokens: the codes that it was trained on.
  /// - Throws: ``RecommenderError/Code/unreadableModel`` for a file that is no generator, or damaged, and
  ///   ``RecommenderError/Code/otherGeneration`` for one of other codes.
  public init(contentsOf path: String, tokens: ItemTokens) throws(RecommenderError) {
    do {
      try self.init(try SafetensorsFile.read(path), tokens, name: path)
    } catch let error as RecommenderError {
      throw error
    } catch {
      throw RecommenderError(.unreadableModel, "\(path): \(error)")
    }
  }

  private init(_ file: SafetensorsFile, _ tokens: ItemTokens, name: String) throws {
    let found = try file.metadata("format")
    guard found == Self.format else {
      throw RecommenderError(
        .unreadableModel, "\(name) is a \"\(found.prefix(40))\", expected a \"\(Self.format)\"; train anew")
    }
    try CodeGeneration(tokens).check(file.metadata, of: name)
    let configuration = try JSONDecoder().decode(
      GeneratorConfiguration.self, from: Data(try file.metadata("configuration").utf8))
    let vocabulary = try GeneratorVocabulary(tokens, configuration)
    let scope = ParameterScope(loading: file, prefix: "network.")
    let network = try configuration.network(scope, vocabulary)
    let counts = try file.tensor("popularity")
    guard counts.shape == [tokens.itemCount] else {
      throw RecommenderError(
        .unreadableModel, "\(name) counts \(counts.shape) items, expected \(tokens.itemCount); train anew")
    }
    self.init(
      configuration, network, try scope.finish(), vocabulary,
      popularity: ContiguousArray(try counts.integers(as: UInt32.self)))
    try parameters.requireIntact(fingerprint: fingerprint, stored: try file.metadata("fingerprint"), in: name)
  }

  static func json(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // Numbers that were validated, names and lists of them: nothing in it that JSON lacks.
    return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  static func fingerprint(
    _ configuration: GeneratorConfiguration, _ parameters: ParameterSet, _ tokens: ItemTokens,
    _ popularity: ContiguousArray<UInt32>
  ) -> String {
    var checksum = Checksum()
    checksum.add(json(configuration))
    // A file opens for its generation alone, so the same codes under another number need another file.
    checksum.add(tokens.generation)
    checksum.add(CodeGeneration(tokens).checksum)
    for entry in parameters.entries {
      checksum.add(entry.name)
      for value in entry.value.elements { checksum.add(UInt64(value.bitPattern)) }
    }
    for count in popularity { checksum.add(UInt64(count)) }
    return checksum.hexadecimal
  }
}

/// What tells codes apart: the store's generation, and a checksum for codes that no store has numbered.
struct CodeGeneration {
  let generation: UInt64
  let checksum: String

  init(_ tokens: ItemTokens) {
    generation = tokens.generation
    var checksum = Checksum()
    for size in tokens.sizes { checksum.add(UInt64(size)) }
    for isPresent in tokens.isPresent { checksum.add(isPresent ? 1 : 0) }
    for code in tokens.codes { checksum.add(UInt64(code)) }
    self.checksum = checksum.hexadecimal
  }

  var metadata: [String: String] { ["generation": "\(generation)", "codes": checksum] }

  /// - Parameters:
  ///   - metadata: of a file that was written for some codes.
  ///   - name: of that file.
  func check(_ metadata: [String: String], of name: String) throws(RecommenderError) {
    guard let stored = metadata["generation"].flatMap({ UInt64($0) }), let codes = metadata["codes"] else {
      throw RecommenderError(.unreadableModel, "\(name) does not say which codes it is of; train anew")
    }
    guard stored == generation else {
      throw RecommenderError(
        .otherGeneration,
        "\(name) was trained on the codes of generation \(stored), and these are of generation \(generation): give it "
          + "generation \(stored), or train anew on these")
    }
    guard codes == checksum else {
      throw RecommenderError(
        .otherGeneration,
        "\(name) was trained on other codes of the same generation number, \(stored): give it those, or train anew on "
          + "these")
    }
  }
}

/// A 64-bit checksum of words (FNV-1a with a final mix): against damage and mistakes, not against forgery.
struct Checksum {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ word: UInt64) {
    state = (state ^ word) &* 0x100_0000_01B3
    state ^= state >> 29
  }

  mutating func add(_ text: String) {
    for byte in text.utf8 { add(UInt64(byte)) }
    add(UInt64(text.utf8.count) | 1 << 32)
  }

  var value: UInt64 { (state ^ (state >> 31)) &* 0x94D0_49BB_1331_11EB }

  var hexadecimal: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension ParameterSet {
  /// That a model's file holds what was written to it.
  /// - Parameters:
  ///   - fingerprint: of what was read.
  ///   - stored: as the file has it.
  ///   - name: of the file, for the message.
  func requireIntact(fingerprint: String, stored: String, in name: String) throws(RecommenderError) {
    guard stored == fingerprint else {
      throw RecommenderError(
        .unreadableModel,
        "\(name) holds other numbers than were written: fingerprint \(fingerprint), expected \(stored.prefix(40)); "
          + "restore the file or train anew")
    }
    guard entries.allSatisfy({ $0.value.elements.allSatisfy(\.isFinite) }) else {
      throw RecommenderError(.unreadableModel, "\(name) holds parameters that are no numbers; train anew")
    }
  }
}
