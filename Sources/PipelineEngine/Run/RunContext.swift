internal import ItemCatalog
internal import SemanticIDStore

/// What the stages of one run share. Used from the run's thread alone.
final class RunContext {
  let configuration: PipelineConfiguration
  let workspace: Workspace
  let observer: any RunObserver
  /// The stage that the user wants to see run again.
  let forced: StageName?
  let runNumber: Int
  /// Manifests of stages that are up to date.
  var finished: [StageName: StageManifest] = [:]
  /// What the run did so far, for the report.
  var account: [RunSummary.Stage] = []
  /// When the run began.
  let start = ContinuousClock.now
  /// Set once the catalogue is up to date.
  var night: NightRecord?
  private var openTable: ItemTable?
  private var fingerprints: [EncoderRole: String?] = [:]
  private var openStore: SemanticIDStore?
  private var comparison: BaseComparison?

  init(
    configuration: PipelineConfiguration, forced: StageName? = nil, runNumber: Int = 0, observer: any RunObserver
  ) {
    self.configuration = configuration
    self.forced = forced
    self.runNumber = runNumber
    self.observer = observer
    workspace = Workspace(root: configuration.workspace)
  }

  /// The manifest of a stage that ran before this one.
  func manifest(_ stage: StageName) throws(PipelineError) -> StageManifest {
    guard let manifest = finished[stage] else {
      throw PipelineError(.internalFault, "stage \(stage.rawValue) is needed before it ran")
    }
    return manifest
  }

  func requireNight() throws(PipelineError) -> NightRecord {
    guard let night else {
      throw PipelineError(.internalFault, "the night is not decided before the catalogue is read")
    }
    return night
  }

  /// ``TonightsEncoders/knownFingerprint(_:_:)``, computed once a run: it reads all of a model's weights.
  func knownFingerprint(_ role: EncoderRole) throws -> String? {
    if let known = fingerprints[role] { return known }
    let fingerprint = try TonightsEncoders.knownFingerprint(role, configuration)
    fingerprints[role] = .some(fingerprint)
    return fingerprint
  }

  /// The fingerprints of all of tonight's encoders of which one is known, by role.
  func knownFingerprints() throws -> [(role: EncoderRole, fingerprint: String)] {
    try EncoderRole.all(configuration).compactMap { role in try knownFingerprint(role).map { (role, $0) } }
  }

  func table() throws -> ItemTable {
    if let openTable { return openTable }
    let table = try ItemTable.open(directory: workspace.catalog)
    openTable = table
    return table
  }

  /// After the catalogue was built anew.
  func forgetTable() {
    openTable = nil
    comparison = nil
  }

  /// The store, made where it is missing.
  func store() throws -> SemanticIDStore {
    if let openStore { return openStore }
    let store = try SemanticIDStore.open(workspace.store, mode: .readWrite)
    openStore = store
    return store
  }

  /// The current generation's manifest, or nil before the first publish. Makes no store.
  func currentGeneration() throws -> GenerationManifest? {
    guard FileSystem.exists(workspace.store + "/data.mdb") else { return nil }
    let store = try store()
    guard let current = try store.currentGeneration() else { return nil }
    return try store.read(generation: current) { $0.manifest }
  }

  /// The manifest of a generation; nil where it is no longer kept.
  func generation(_ number: UInt64) throws -> GenerationManifest? {
    try store().generations().first { $0.generation == number }
  }

  /// Tonight's items against the base generation's, computed once.
  func baseComparison() throws -> BaseComparison {
    if let comparison { return comparison }
    let night = try requireNight()
    let table = try table()
    let result: BaseComparison
    if let base = night.base {
      result = try store().read(generation: base) { try BaseComparison(table: table, reader: $0) }
    } else {
      result = BaseComparison(itemCount: table.count)
    }
    comparison = result
    return result
  }

  func progress(
    _ stage: StageName, _ step: String, _ completed: Int, of total: Int, unit: String = "items", detail: String = ""
  ) {
    observer.observe(
      .progress(stage, step: step, completed: completed, total: total, unit: unit, detail: detail))
  }
}
