internal import ItemCatalog
internal import Quantizers
internal import SemanticIDStore
internal import Synchronization
internal import TensorMath

/// Puts tonight's codes beside the IDs that stand, and applies the collision policy to the new ones. What was published
/// before never moves.
struct ResolveStage: Stage {
  let name = StageName.resolve
  let codeVersion = StageCodeVersions.resolve

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] { configuration.resolve?.stageInputs ?? [] }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    let night = try context.requireNight()
    return [
      StageInput(name: "codes", value: try context.manifest(.quantize).digest),
      StageInput(name: "earlier IDs", value: night.carriesIDs ? "kept" : "assigned anew"),
    ]
  }

  func run(_ context: RunContext) throws -> StageResult {
    guard let settings = context.configuration.resolve else {
      throw PipelineError(.internalFault, "resolve runs without its section")
    }
    try FileSystem.makeDirectory(context.workspace.stage(.resolve))
    let night = try context.requireNight()
    let assembled = try AssembledCodes(context, night)
    try Interruption.check()
    let resolver = try CollisionResolver(settings.parameters)
    let vectors = PendingVectors(
      try ColumnFileReader<Float>(path: QuantizeFiles(context).codedVectors(context)), rowOf: assembled.pendingPosition)
    let resolved = try resolver.resolve(
      codes: assembled.codes, distances: assembled.distances, fixed: assembled.fixed,
      lastLevel: LastLevelDistances(
        codebooks: try QuantizeFiles(context).readCodebooks(), codes: assembled.codes, vectors: vectors.read))
    try vectors.throwFailure()
    let files = ResolveFiles(context)
    try files.write(assembled, resolved)
    return result(resolved, assembled, files)
  }

  private func result(_ resolved: ResolvedCodes, _ assembled: AssembledCodes, _ files: ResolveFiles) -> StageResult {
    let report = resolved.report
    var result = StageResult()
    result.outputs = files.all
    result.metrics = [
      "items": Double(report.items), "kept": Double(report.fixedItems), "moved": Double(report.movedItems),
      "suffixed": Double(report.suffixedItems), "sharedID": Double(report.sharedIDItems),
      "fallback": Double(report.fallbackItems), "greedyPrefixes": Double(report.greedyPrefixes),
      "meanDistanceAdded": report.meanDistanceAdded, "largestDistanceAdded": report.largestDistanceAdded,
      "collisionRateBefore": report.before.collisionRate, "collisionRateAfter": report.after.collisionRate,
      "duplicateRateBefore": report.before.duplicateRate, "largestBucketBefore": Double(report.before.largestBucket),
    ]
    result.summary =
      "\(report.fixedItems) IDs kept, \(report.items - report.fixedItems) assigned, \(report.movedItems) moved, "
      + "\(report.suffixedItems) with a suffix"
    return result
  }
}

extension PipelineConfiguration.Resolve {
  var parameters: CollisionResolver.Parameters {
    CollisionResolver.Parameters(
      policy: CollisionPolicy(rawValue: policy.rawValue) ?? .suffix, suffixCapacity: suffixCapacity,
      distanceBudget: distanceBudget.map { Float($0) })
  }
}

/// All of tonight's items with their codes before the policy: published ones as they are, the others as assigned.
struct AssembledCodes {
  /// Rows of the item table that are in the generation, ascending.
  private(set) var tableRows: [UInt32] = []
  private(set) var codes: CodeMatrix
  private(set) var distances: ContiguousArray<Float> = []
  private(set) var flags: [UInt8] = []
  private(set) var fixed: FixedRows
  /// Per item, its row in tonight's representations; -1 where the item keeps its ID.
  private(set) var pendingPosition: [Int] = []

  init(_ context: RunContext, _ night: NightRecord) throws {
    let table = try context.table()
    let quantized = QuantizeFiles(context)
    let pendingCodes = try ColumnFileReader<UInt16>(path: quantized.codes)
    let pendingDistances = try ColumnFileReader<Float>(path: quantized.distances, columns: 1, rows: pendingCodes.rows)
    let folder = context.workspace.stage(.encode)
    let pendingRows = try ColumnFileReader<UInt32>(
      path: EncodeFiles.rows(folder), columns: 1, rows: pendingCodes.rows
    ).readAll()
    let pendingFlags = try Self.flags(context, rows: pendingCodes.rows)
    let levels = pendingCodes.columns
    let comparison = night.carriesIDs ? try context.baseComparison() : nil
    let tonight = try pendingCodes.readAll()
    let tonightDistances = try pendingDistances.readAll()
    let newer: UInt8 = night.codebooks == .frozen ? ItemFlags.newer.rawValue : 0
    var elements = ContiguousArray<UInt16>()
    var isFixed = ContiguousArray<Bool>()
    var suffixes = ContiguousArray<UInt16>()
    var next = 0
    for row in 0..<table.count {
      let isPending = next < pendingRows.count && Int(pendingRows[next]) == row
      if isPending { next += 1 }
      // Where the item set is new all items are pending, and unchanged ones keep their IDs all the same.
      if let comparison, comparison.isUnchanged[row] {
        elements.append(contentsOf: comparison.codes[row * levels..<(row + 1) * levels])
        distances.append(comparison.distances[row])
        flags.append(comparison.flags[row])
        pendingPosition.append(-1)
        isFixed.append(true)
        suffixes.append(comparison.suffixes[row])
      } else if isPending {
        elements.append(contentsOf: tonight[(next - 1) * levels..<next * levels])
        distances.append(tonightDistances[next - 1])
        flags.append(pendingFlags[next - 1] | newer)
        pendingPosition.append(next - 1)
        isFixed.append(false)
        suffixes.append(0)
      } else {
        continue  // Nothing of the item could be encoded.
      }
      tableRows.append(UInt32(row))
    }
    codes = CodeMatrix(count: tableRows.count, levels: levels, elements: elements)
    fixed = FixedRows(isFixed: isFixed, suffixes: suffixes)
  }

  /// What tonight's items lack.
  private static func flags(_ context: RunContext, rows: Int) throws -> [UInt8] {
    let folder = context.workspace.stage(.encode)
    let manifest = try context.manifest(.encode)
    var flags = [UInt8](repeating: 0, count: rows)
    let roles = EncoderRole.all(in: manifest.values)
    for (modality, flag) in [(Modality.text, ItemFlags.textMissing), (.image, .imageMissing)] {
      var isMissing = [Bool](repeating: true, count: rows)
      for role in roles where role.modality == modality {
        let presence = try ColumnFileReader<UInt8>(path: EncodeFiles.presence(folder, role), columns: 1, rows: rows)
        for (row, isPresent) in try presence.readAll().enumerated() where isPresent != 0 {
          isMissing[row] = false
          if let route = role.route { flags[row] |= ItemFlags(textRoute: route).rawValue }
        }
      }
      for row in 0..<rows where isMissing[row] { flags[row] |= flag.rawValue }
    }
    return flags
  }
}

/// Reads single vectors for the collision policy, from several threads. A failure yields vectors that no policy moves
/// anything to, and is thrown afterwards.
final class PendingVectors: Sendable {
  private let file: ColumnFileReader<Float>
  private let rowOf: [Int]
  private let failure = Mutex<PipelineError?>(nil)

  init(_ file: ColumnFileReader<Float>, rowOf: [Int]) {
    self.file = file
    self.rowOf = rowOf
  }

  @Sendable func read(_ items: [Int]) -> Matrix {
    var elements = ContiguousArray<Float>()
    elements.reserveCapacity(items.count * file.columns)
    for item in items {
      do throws(PipelineError) {
        let row = rowOf[item]
        guard row >= 0 else { throw PipelineError(.internalFault, "an item that keeps its ID was asked to move") }
        elements.append(contentsOf: try file.read(row..<row + 1))
      } catch {
        failure.withLock { $0 = $0 ?? error }
        elements.append(contentsOf: repeatElement(.nan, count: file.columns))
      }
    }
    return Matrix(rows: items.count, columns: file.columns, elements: elements)
  }

  func throwFailure() throws(PipelineError) {
    if let failure = failure.withLock({ $0 }) { throw failure }
  }
}
