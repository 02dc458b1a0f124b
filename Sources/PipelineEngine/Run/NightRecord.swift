internal import Foundation
internal import ItemCatalog

/// What a night keeps of the generation it builds on, decided once the catalogue is known. It is written down, so that
/// a run that goes on after a crash decides as the first one did.
struct NightRecord: Codable, Sendable, Equatable {
  enum Part: String, Codable, Sendable {
    /// Taken from the base generation as it is.
    case frozen
    /// Made anew.
    case fit
    /// Made anew from what the base generation had.
    case refit
  }

  /// Hash of the catalogue and of everything that decides about codes.
  var runKey: String
  /// The generation built on; nil on a first night.
  var base: UInt64?
  /// The generation that this night published.
  var published: UInt64?
  /// Nil where the pipeline encodes no text.
  var text: Part?
  var representation: Part
  var codebooks: Part
  /// The item set of the VQ codes; nil where the pipeline has none.
  var neighbors: Part?
  /// Unchanged items keep their semantic ID; otherwise every item is assigned.
  var carriesIDs: Bool
  /// Why what is not frozen is made anew.
  var reason: String

  /// Whether every item has to be encoded and represented tonight, not only new and changed ones.
  var needsAllItems: Bool { !carriesIDs || codebooks != .frozen || neighbors == .fit }

  /// Codebooks that are trained anew take a new item set with them.
  var keepsItemSet: Bool { neighbors == .frozen && codebooks == .frozen }
}

extension NightRecord {
  static func read(_ path: String) -> NightRecord? {
    guard let bytes = try? FileSystem.readSmallFile(path, limit: 1 << 20, what: "night record") else { return nil }
    return try? JSONDecoder().decode(NightRecord.self, from: Data(bytes))
  }

  func write(to path: String) throws(PipelineError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    guard let data = try? encoder.encode(self) else {
      throw PipelineError(.internalFault, "the night's record holds a value that JSON cannot")
    }
    // Not waited for: where it is lost, the same night is decided anew, from what was published.
    try FileSystem.write([UInt8](data), to: path, isDurable: false)
  }
}

/// The parts of the configuration that decide whether an earlier night's models still serve. A generation's manifest
/// keeps them as properties.
struct ModelKeys: Sendable, Equatable {
  var text: String?
  var image: String?
  var represent: String
  var quantize: String
  var resolve: String
  var neighbors: String?

  init(_ configuration: PipelineConfiguration) {
    func describe(_ inputs: [StageInput]) -> String {
      inputs.map { "\($0.name)=\($0.value)" }.joined(separator: "; ")
    }
    text = configuration.encode?.text.map { describe($0.stageInputs) }
    image = configuration.encode?.image.map { describe($0.stageInputs) }
    represent = configuration.represent.map { describe($0.stageInputs) } ?? ""
    if let align = configuration.align { represent += "; " + describe(align.stageInputs + align.joinInputs) }
    if let behavior = configuration.behavior { represent += "; " + describe(behavior.stageInputs) }
    quantize = configuration.quantize.map { describe($0.trainingInputs) } ?? ""
    resolve = configuration.resolve.map { describe($0.stageInputs) } ?? ""
    neighbors = configuration.quantize.flatMap { $0.neighbors == nil ? nil : describe($0.neighborInputs) }
  }

  /// As a generation's properties.
  var properties: [String: String] {
    var result = ["represent": represent, "quantize": quantize, "resolve": resolve]
    result["encode.text"] = text
    result["encode.image"] = image
    result["neighbors"] = neighbors
    return result
  }

  /// What changed about the text encoders since a generation that has `old` as its property; nil where nothing did.
  func textChange(since old: String?) -> String? {
    guard old != text else { return nil }
    let rules = [old, text].map { ($0 ?? "").components(separatedBy: "].when=").count - 1 }
    guard rules[0] > 0 || rules[1] > 0 else { return "the text encoder's configuration changed" }
    if rules[0] == rules[1] { return "a rule of the text routes, or its encoder, changed" }
    if rules.contains(0) { return rules[0] == 0 ? "texts are routed now" : "texts are no longer routed" }
    return "the text routes changed: \(rules[1]) rules after \(rules[0])"
  }

  /// Hash of these keys, of the settings that decide about refits, of the catalogue and of the encoders.
  ///
  /// - Parameter encoders: Role and fingerprint of those that are known before they run: weights that change at the
  ///   same place in the file system must not pass for the night before.
  func runKey(catalogDigest: String, configuration: PipelineConfiguration, encoders: [String]) -> String {
    var hasher = ContentHasher()
    hasher.updateField(catalogDigest)
    for encoder in encoders { hasher.updateField(encoder) }
    for key in properties.keys.sorted() {
      hasher.updateField(key)
      hasher.updateField(properties[key] ?? "")
    }
    for input in configuration.quantize?.stageInputs ?? [] { hasher.updateField(input.value) }
    for version in StageCodeVersions.all { hasher.update(UInt64(version)) }
    return hasher.finalize().hex
  }
}
