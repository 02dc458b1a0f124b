internal import BehaviorAlignment
internal import Foundation
public import ItemCatalog
public import Quantizers

/// A pipeline file, checked and with its defaults filled in. Paths are absolute.
public struct PipelineConfiguration: Sendable {
  public var name: String
  /// Folder for all that runs write.
  public var workspace: String
  /// 0: all cores.
  public var threads: Int
  public var compute: String
  public var seed: UInt64
  public var keepRuns: Int
  public var catalog: Catalog
  public var encode: Encode?
  public var pairs: Pairs?
  public var align: Align?
  public var behavior: Behavior?
  public var train: Train?
  public var finetune: Finetune?
  public var preference: Preference?
  public var represent: Represent?
  public var quantize: Quantize?
  public var resolve: Resolve?
  public var publish: Publish?
  public var export: [Export]
  public var report: Report?
  /// The file as it was, for the run's manifest.
  public var source: String
  /// The pipeline file's path.
  public var path: String

  public struct Catalog: Sendable {
    public var items: [String]
    public var interactions: [String]
    public var minimumRating: Double?
    public var imageFolder: String?
    public var imageRoot: String?
    public var maxRejectedFraction: Double
    public var recordBytes: Int?
    public var imageBytes: Int?
    public var imagePixels: Int?
  }

  public struct Encode: Sendable {
    public var text: Text?
    public var image: Image?
    public var cacheNights: Int
    /// Bytes.
    public var cacheLimit: Int
  }

  public struct Image: Sendable {
    public var source: EncoderSource
  }

  public struct Represent: Sendable {
    public var dimensions: Int
    /// Each modality's share of the representation. Defaults are filled in, so that every use sees the same ones.
    public var weights: [Modality: Double]
    public var sampleLimit: Int
  }

  public enum Refit: String, Sendable {
    case never
    case onDrift = "on-drift"
    case always
  }

  public struct Quantize: Sendable {
    public var method: String
    public var sizes: [Int]
    public var seed: UInt64
    public var iterations: Int
    public var sampleLimit: Int
    public var refit: Refit
    public var driftThreshold: Double
    /// Nil unless the method is rq-vae.
    public var autoencoder: ResidualAutoencoder.Parameters?
    /// Nil: no VQ codes.
    public var neighbors: Neighbors?
  }

  public enum Policy: String, Sendable {
    case keep, suffix, relocate
  }

  public struct Resolve: Sendable {
    public var policy: Policy
    public var distanceBudget: Double?
    public var suffixCapacity: Int
  }

  public struct Publish: Sendable {
    public var keepGenerations: Int
  }

  public struct Export: Sendable {
    public var format: String
    /// Relative to the workspace.
    public var path: String
  }

  public struct Report: Sendable {
    /// Colliding buckets to show.
    public var buckets: Int
  }
}

extension PipelineConfiguration {
  /// Reads a pipeline file. Inputs it names are relative to its folder, its workspace to the current folder, and
  /// `${NAME}` is the process's environment.
  ///
  /// - Throws: ``PipelineError``, naming every mistake with its line.
  public init(contentsOf path: String) throws(PipelineError) {
    let bytes = try FileSystem.readSmallFile(path, limit: YAMLDocument.maximumBytes + 1, what: "pipeline file")
    try self.init(
      yaml: bytes, path: path, environment: ProcessInfo.processInfo.environment,
      currentDirectory: FileManager.default.currentDirectoryPath)
  }

  /// Reads a pipeline file from memory; `path` gives messages their name and inputs their folder.
  public init(
    yaml bytes: [UInt8], path: String, environment: [String: String], currentDirectory: String
  ) throws(PipelineError) {
    let value = try YAMLDocument.parse(bytes, file: path)
    var validator = ConfigurationValidator(file: path, environment: environment)
    let checked = validator.check(value, against: PipelineSchema.root, path: "")
    try validator.throwMistakes()
    guard case .section(let root) = checked else {
      throw PipelineError(.internalFault, "\(path): the checked configuration is no section")
    }
    let paths = PathResolver(pipelineFile: path, currentDirectory: currentDirectory)
    self.init(root, paths: paths)
    source = String(decoding: bytes, as: UTF8.self)
    try checkChain(root, validator: &validator)
  }

  private init(_ root: CheckedSection, paths: PathResolver) {
    name = root.text("name") ?? ""
    workspace = root.text("workspace").map(paths.input) ?? paths.current("runs/\(name)")
    threads = root.integer("threads") ?? 0
    compute = root.text("compute") ?? "auto"
    seed = UInt64(root.integer("seed") ?? 1)
    keepRuns = root.integer("keepRuns") ?? 30
    catalog = Catalog(root.section("catalog") ?? CheckedSection(), paths: paths)
    encode = root.section("encode").map { Encode($0, paths: paths) }
    represent = root.section("represent").map(Represent.init)
    let seed = seed
    pairs = root.section("pairs").map { Pairs($0, seed: seed) }
    align = root.section("align").map { [encode] in Align($0, seed: seed, hasImages: encode?.image != nil) }
    behavior = root.section("behavior").map { Behavior($0, seed: seed) }
    train = root.section("train").map { [pairs] in Train($0, pairs: pairs, seed: seed) }
    preference = root.section("preference").map { [train] in Preference($0, train: train, seed: seed) }
    finetune = root.section("finetune").map { Finetune($0, seed: seed) }
    quantize = root.section("quantize").map { Quantize($0, seed: seed) }
    resolve = root.section("resolve").map(Resolve.init)
    publish = root.section("publish").map { Publish(keepGenerations: $0.integer("keepGenerations") ?? 7) }
    export = (root.list("export") ?? []).compactMap { value in
      guard case .section(let section) = value else { return nil }
      return Export(format: section.text("format") ?? "", path: section.text("path") ?? "")
    }
    report = root.section("report").map { Report(buckets: $0.integer("buckets") ?? 20) }
    source = ""
    path = paths.pipelineFile
  }

  /// What the schema cannot say: a stage needs the stages before it, and some keys need each other.
  private func checkChain(
    _ root: CheckedSection, validator: inout ConfigurationValidator
  ) throws(PipelineError) {
    let chain = ["catalog", "encode", "represent", "quantize", "resolve", "publish"]
    for (needed, stage) in zip(chain, chain.dropFirst()) where root.has(stage) && !root.has(needed) {
      validator.report(root.lines[stage] ?? 1, "'\(stage)' needs what '\(needed)' makes: add a section '\(needed)'")
    }
    for stage in ["export", "report"] where root.has(stage) && !root.has("publish") {
      validator.report(root.lines[stage] ?? 1, "'\(stage)' needs what 'publish' makes: add a section 'publish'")
    }
    if let encode, encode.text == nil, encode.image == nil {
      validator.report(root.lines["encode"] ?? 1, "encode: names no encoder: add 'text', 'image' or both")
    }
    checkEncoders(root.section("encode") ?? CheckedSection(), validator: &validator)
    checkPairs(root, validator: &validator)
    checkAlign(root, validator: &validator)
    checkBehavior(root, validator: &validator)
    checkTrain(root, validator: &validator)
    checkFinetune(root, validator: &validator)
    checkPreference(root, validator: &validator)
    quantize?.check(root.section("quantize"), hasPairs: pairs != nil, &validator)
    checkExports(root, validator: &validator)
    try validator.throwMistakes()
  }

  private func checkExports(_ root: CheckedSection, validator: inout ConfigurationValidator) {
    let line = root.lines["export"] ?? 1
    var places: Set<[Substring]> = []
    var isTwice = false
    for (index, export) in export.enumerated() {
      let parts = PathResolver.partsBelow(export.path)
      if let parts, !Workspace.reservedNames.contains(String(parts[0])) {
        if !places.insert(parts).inserted { isTwice = true }
        continue
      }
      validator.report(
        line,
        "export[\(index)].path: '\(export.path)' leaves the workspace or is a name that it uses itself; write another")
    }
    if isTwice { validator.report(line, "export: two tables have the same path; give each its own") }
    let folder = places.first { parts in places.contains { $0.count > parts.count && $0.starts(with: parts) } }
    if let folder {
      validator.report(
        line,
        "export: '\(folder.joined(separator: "/"))' is a table and the folder of another one; give one another path")
    }
  }

  private func checkEncoders(_ section: CheckedSection, validator: inout ConfigurationValidator) {
    let texts = Text.sections(section.values["text"])
    for (path, section) in texts + (section.section("image").map { [("encode.image", $0)] } ?? []) {
      guard let line = section.lines["command"] else { continue }
      for key in ["model", "precision", "prefix", "dimensions"] where section.has(key) {
        validator.report(line, "\(path): '\(key)' and 'command' exclude each other: a worker brings its own")
      }
    }
    for (index, problem) in encode?.text?.mistakes ?? [] {
      let line = texts[index].section.lines.values.min() ?? section.lines["text"] ?? 1
      validator.report(line, "\(texts[index].path) \(problem)")
    }
  }
}

extension PipelineConfiguration.Catalog {
  fileprivate init(_ section: CheckedSection, paths: PathResolver) {
    items = section.texts("items").map(paths.input)
    let log = section.section("interactions")
    interactions = (log?.texts("path") ?? section.texts("interactions")).map(paths.input)
    minimumRating = log?.number("minimumRating")
    imageFolder = section.text("imageFolder").map(paths.input)
    imageRoot = section.text("imageRoot").map(paths.input)
    maxRejectedFraction = section.number("maxRejectedFraction") ?? 0.01
    let limits = section.section("limits")
    recordBytes = limits?.integer("recordBytes")
    imageBytes = limits?.integer("imageBytes")
    imagePixels = limits?.integer("imagePixels")
  }
}

extension PipelineConfiguration.Encode {
  fileprivate init(_ section: CheckedSection, paths: PathResolver) {
    text = PipelineConfiguration.Text(section.values["text"], paths: paths)
    image = section.section("image").map { PipelineConfiguration.Image(source: EncoderSource($0, paths)) }
    cacheNights = section.section("cache")?.integer("keepNights") ?? 14
    cacheLimit = (section.section("cache")?.integer("maxMegabytes") ?? 65_536) << 20
  }
}

extension PipelineConfiguration.Represent {
  fileprivate init(_ section: CheckedSection) {
    dimensions = section.integer("dimensions") ?? 128
    let shares = section.section("weights")
    let defaults = RepresentationModel.Parameters().weights
    weights = [:]
    for modality in Modality.allCases {
      let standard = Double(defaults[modality.rawValue] ?? 1)
      weights[modality] = shares?.number(modality.rawValue) ?? standard
    }
    sampleLimit = section.integer("sampleLimit") ?? 100_000
  }
}

extension PipelineConfiguration.Quantize {
  fileprivate init(_ section: CheckedSection, seed: UInt64) {
    method = section.text("method") ?? "residual-kmeans"
    let listed = section.list("sizes")?.compactMap { if case .integer(let size) = $0 { size } else { nil } }
    sizes = listed ?? [256, 256, 256, 256]
    self.seed = section.integer("seed").map { UInt64($0) } ?? seed
    iterations = section.integer("iterations") ?? 20
    sampleLimit = section.integer("sampleLimit") ?? 262_144
    refit = section.text("refit").flatMap(PipelineConfiguration.Refit.init(rawValue:)) ?? .never
    driftThreshold = section.number("driftThreshold") ?? 1.25
    autoencoder = Self.autoencoder(section, method: method, sizes: sizes, seed: self.seed, sampleLimit: sampleLimit)
    neighbors = Self.neighbors(section)
  }
}

extension PipelineConfiguration.Resolve {
  fileprivate init(_ section: CheckedSection) {
    policy = section.text("policy").flatMap(PipelineConfiguration.Policy.init(rawValue:)) ?? .relocate
    distanceBudget = section.number("distanceBudget")
    suffixCapacity = section.integer("suffixCapacity") ?? 65_536
  }
}

extension CheckedSection {
  /// A text, or a list of texts, as a list.
  func texts(_ key: String) -> [String] {
    switch values[key] {
    case .text(let text): [text]
    case .list(let values): values.compactMap { if case .text(let text) = $0 { text } else { nil } }
    default: []
    }
  }
}
