internal import Foundation
internal import ItemCatalog
internal import Quantizers
internal import SemanticIDStore

/// Gathers what a run's report shows from the new generation, its parent and the stages' manifests.
struct ReportBuilder {
  private let context: RunContext
  private let snapshot: GenerationSnapshot
  private let parent: GenerationSnapshot?
  private let catalog: InspectionCatalog

  init(_ context: RunContext) throws {
    self.context = context
    let store = try context.store()
    let generation = UInt64(try context.manifest(.publish).values["generation"] ?? "")
    snapshot = try GenerationSnapshot(store: store, generation: generation)
    if let number = snapshot.manifest.parent, try context.generation(number) != nil {
      parent = try GenerationSnapshot(store: store, generation: number)
    } else {
      parent = nil
    }
    catalog = try InspectionCatalog(table: try context.table(), snapshot: snapshot)
  }

  func data() throws -> ReportData {
    var data = ReportData(
      pipeline: context.configuration.name, generation: snapshot.manifest.generation,
      parent: snapshot.manifest.parent, createdAt: snapshot.manifest.createdAt ?? "")
    let metrics = CodeMetrics(snapshot.codes, sizes: snapshot.sizes)
    data.figures = figures(metrics)
    data.buckets = metrics.buckets
    data.levels = metrics.levels.enumerated().map { ReportLevel(level: $0.offset + 1, $0.element) }
    data.training = try training()
    data.prefixes = ReportPrefixes(snapshot: snapshot, item: item).top()
    data.worstBuckets = worstBuckets()
    data.encoders = try encoders()
    data.textsWithoutRoute = try context.manifest(.encode).metrics["withoutRoute"].map { Int($0) }
    data.rejected = try rejected()
    data.pairs = try PairReport(context, snapshot: snapshot, item: item)?.data()
    if context.configuration.align != nil {
      data.alignment = AlignmentRecord.read(AlignmentRecord.path(context)).map { record in
        ReportAlignment(record) { id in snapshot.row(of: id).map(item) }
      }
    }
    if context.finished[.train] != nil {
      data.recommender = TrainingRecord.read(TrainingRecord.path(context.workspace)).map(ReportRecommender.init)
      let shelf = RecommenderShelf(context.workspace)
      data.preference = shelf.preference(snapshot.manifest.generation).map(ReportPreference.init)
      data.tuning = shelf.tuning(snapshot.manifest.generation).map(ReportTuning.init)
    }
    data.stages = context.account.map {
      ReportStage(
        name: $0.stage.rawValue, status: $0.action == .run ? "ran" : "skipped", seconds: $0.seconds,
        note: $0.action == .run ? "\($0.summary) (\($0.reason))" : $0.reason)
    }
    data.details = try details()
    data.configuration = context.configuration.source
    return data
  }

  /// A row of the snapshot as the report shows it.
  private func item(_ row: Int) -> ReportItem {
    let item = catalog.item(row)
    let title = item.map { $0.title.isEmpty ? String($0.text.prefix(80)) : $0.title } ?? ""
    return ReportItem(
      id: snapshot.columns.ids[row], title: title, semanticID: snapshot.columns.semanticID(at: row).description,
      imagePath: item?.imagePath)
  }

  /// What the quantize stage noted of a training tonight.
  private func training() throws -> [ResidualAutoencoder.EpochStatistics]? {
    let path = QuantizeFiles(context).training
    guard FileSystem.exists(path) else { return nil }
    let bytes = try FileSystem.readSmallFile(path, limit: 64 << 20, what: "training record")
    return try? JSONDecoder().decode([ResidualAutoencoder.EpochStatistics].self, from: Data(bytes))
  }

  // MARK: Figures

  private func figures(_ metrics: CodeMetrics) -> [ReportFigure] {
    let now = SnapshotFigures(snapshot, metrics)
    let before = parent.map { SnapshotFigures($0, CodeMetrics($0.codes, sizes: $0.sizes)) }
    var figures = SnapshotFigures.keys.map { key in
      ReportFigure(key, now.values[key] ?? 0, previous: before?.values[key])
    }
    if let parent {
      let churn = GenerationDiff(from: parent, to: snapshot, limit: 0).churn
      figures.append(ReportFigure(.churn, churn.rate))
      figures.append(ReportFigure(.addedItems, Double(churn.added)))
      figures.append(ReportFigure(.changedItems, Double(churn.changedContent.items)))
      figures.append(ReportFigure(.removedItems, Double(churn.removed)))
    }
    let rejected = snapshot.manifest.metrics["catalog.rejected"] ?? 0
    figures.append(ReportFigure(.rejectedRecords, rejected, previous: parent?.manifest.metrics["catalog.rejected"]))
    figures.append(ReportFigure(.totalSeconds, context.start.duration(to: .now).seconds))
    figures.append(ReportFigure(.peakMemory, Double(peakMemory())))
    return figures
  }

  private func worstBuckets() -> [ReportBucket] {
    let limit = context.configuration.report?.buckets ?? 20
    let inspection = CollisionInspection(
      snapshot, catalog: catalog, options: CollisionInspection.Options(bucketLimit: limit, memberLimit: 6))
    return inspection.largest.map { bucket in
      ReportBucket(
        codes: bucket.codes, size: bucket.size, reason: bucket.cause?.explanation ?? "not known",
        explanation: "mean distance \(rounded(bucket.meanDistance)), largest \(rounded(bucket.largestDistance))",
        items: bucket.members.compactMap { snapshot.row(of: $0.id) }.map(item))
    }
  }

  private func rejected() throws -> ReportRejected {
    let metrics = try context.manifest(.catalog).metrics
    var rejected = ReportRejected()
    rejected.records = Int(metrics["rejected"] ?? 0)
    rejected.warnings = Int(metrics["warnings"] ?? 0)
    for (name, count) in metrics.sorted(by: { $0.key < $1.key }) {
      let parts = name.split(separator: ".", maxSplits: 1)
      guard parts.count == 2 else { continue }
      rejected.reasons.append(
        ReportRejected.Reason(reason: String(parts[1]), severity: String(parts[0]), count: Int(count)))
    }
    let path = context.workspace.catalog + "/rejected.jsonl"
    let bytes = (try? FileSystem.readSmallFile(path, limit: 64 << 10, what: "list")) ?? []
    rejected.examples = bytes.split(separator: UInt8(ascii: "\n")).prefix(10).compactMap {
      try? JSONDecoder().decode(ReportRejected.Example.self, from: Data($0))
    }
    return rejected
  }

  private func encoders() throws -> [ReportEncoder] {
    let stage = try context.manifest(.encode)
    return EncoderRecord.all(in: stage.values).map { record in
      var encoder = ReportEncoder(role: record.role.title, model: record.model, fingerprint: record.fingerprint)
      (encoder.rule, encoder.architecture, encoder.precision) = (record.rule, record.architecture, record.precision)
      encoder.dimensions = Int(record.dimensions) ?? 0
      encoder.items = snapshot.columns.flags.count { $0.hasVector(record.role) }
      encoder.encoded = Int(stage.metrics["encoded.\(record.role.name)"] ?? 0)
      encoder.fromCache = Int(stage.metrics["fromCache.\(record.role.name)"] ?? 0)
      return encoder
    }
  }

  private func details() throws -> [ReportDetails] {
    let night = try context.requireNight()
    return [
      ReportDetails(
        title: "Run",
        rows: [
          ("version", Tessera.version), ("run", "\(context.runNumber)"), ("threads", "\(RunThreads.current)"),
          ("compute", try context.manifest(.quantize).values["compute"] ?? "float32"),
          ("seed", "\(context.configuration.seed)"), ("catalog", try context.manifest(.catalog).digest),
          ("night", night.reason), ("codebooks", night.codebooks.rawValue),
        ] + neighborRows),
      ReportDetails(
        title: "Models", rows: snapshot.manifest.artifacts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }),
    ]
  }
}

extension ReportBuilder {
  /// What there is of VQ codes.
  private var neighborRows: [(String, String)] {
    guard snapshot.manifest.neighborsPerItem > 0 else { return [] }
    return [
      ("neighbors per item", "\(snapshot.manifest.neighborsPerItem)"),
      ("items in the item set", "\(snapshot.manifest.itemSetSize)"),
    ]
  }
}

/// Figures that a generation has by itself.
private struct SnapshotFigures {
  static let keys: [ReportFigure.Known] = [
    .items, .uniqueSemanticIDs, .collisionRate, .utilization, .entropy, .reconstructionError, .duplicateRate,
    .largestBucket, .movedItems, .itemsWithoutText, .itemsWithoutImage, .itemsNewerThanCodebooks,
  ]

  private(set) var values: [ReportFigure.Known: Double] = [:]

  init(_ snapshot: GenerationSnapshot, _ metrics: CodeMetrics) {
    let levels = Double(max(1, metrics.levels.count))
    values[.items] = Double(snapshot.count)
    values[.uniqueSemanticIDs] = Double(snapshot.manifest.semanticIDs)
    values[.collisionRate] = metrics.buckets.collisionRate
    values[.duplicateRate] = metrics.buckets.duplicateRate
    values[.largestBucket] = Double(metrics.buckets.largestBucket)
    values[.utilization] = metrics.levels.reduce(0) { $0 + $1.utilization } / levels
    values[.entropy] = metrics.levels.reduce(0) { $0 + $1.entropy } / levels
    // Behind an encoder distances are not those of the vectors, and the manifest has the error.
    let decoded = snapshot.manifest.artifacts[QuantizerFile.role].flatMap { _ in
      snapshot.manifest.metrics["relativeError"]
    }
    values[.reconstructionError] =
      decoded ?? snapshot.columns.distances.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(1, snapshot.count))
    for (key, flag) in [
      (ReportFigure.Known.movedItems, ItemFlags.moved), (.itemsWithoutText, .textMissing),
      (.itemsWithoutImage, .imageMissing), (.itemsNewerThanCodebooks, .newer),
    ] {
      values[key] = Double(snapshot.columns.flags.count { $0.contains(flag) })
    }
  }
}

/// The fullest prefixes of one and two codes, with some of their items.
struct ReportPrefixes {
  let snapshot: GenerationSnapshot
  let item: (Int) -> ReportItem

  func top(_ limit: Int = 12, children: Int = 5, examples: Int = 3) -> [ReportPrefix] {
    guard snapshot.codes.levels > 0 else { return [] }
    return groups(of: Array(0..<snapshot.count), level: 0).prefix(limit).map { group in
      let below =
        snapshot.codes.levels > 1
        ? groups(of: group.rows, level: 1).prefix(children).map { child in
          ReportPrefix(
            prefix: "\(group.code)-\(child.code)", items: child.rows.count,
            examples: child.rows.prefix(1).map(item))
        } : []
      return ReportPrefix(
        prefix: "\(group.code)", items: group.rows.count, examples: group.rows.prefix(examples).map(item),
        children: below)
    }
  }

  /// Rows by their code at a level, the fullest first.
  private func groups(of rows: [Int], level: Int) -> [(code: Int, rows: [Int])] {
    var byCode = [[Int]](repeating: [], count: snapshot.sizes[level])
    for row in rows { byCode[Int(snapshot.codes[row, level])].append(row) }
    let filled = byCode.enumerated().filter { !$0.element.isEmpty }
    return filled.sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }
      .map { (code: $0.offset, rows: $0.element) }
  }
}
