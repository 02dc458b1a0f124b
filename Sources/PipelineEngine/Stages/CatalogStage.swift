package import ItemCatalog

/// Reads and checks the item files. Reads nothing where no file has changed: names, sizes and times tell.
struct CatalogStage: Stage {
  let name = StageName.catalog
  let codeVersion = StageCodeVersions.catalog

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] { configuration.catalog.stageInputs }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    let builder = CatalogBuilder(limits: context.configuration.catalog.catalogLimits)
    var signature = "no table to compare with"
    if ["items.bin", "images.bin"].allSatisfy({ FileSystem.exists(context.workspace.catalog + "/" + $0) }) {
      do {
        signature = try builder.sourceSignature(
          of: context.configuration.catalog.source, previous: context.workspace.catalog)
      } catch {
        guard error.code == .damagedTable else { throw error }
      }
    }
    return [StageInput(name: "files", value: signature)]
  }

  func run(_ context: RunContext) throws -> StageResult {
    let catalog = context.configuration.catalog
    let folder = context.workspace.catalog
    for path in catalog.interactions where !path.contains("*") && !FileSystem.exists(path) {
      throw PipelineError(
        .inputMissing, "the interactions file '\(path)' does not exist; correct 'catalog.interactions'")
    }
    let builder = CatalogBuilder(limits: catalog.catalogLimits)
    let summary = try builder.build(catalog.source, into: folder, previous: folder)
    context.forgetTable()
    try summary.requireRejectedFraction(
      atMost: catalog.maxRejectedFraction, rejectedPath: folder + "/rejected.jsonl")
    guard summary.items > 0 else {
      throw PipelineError(.invalidData, "the catalogue has no items: \(catalog.items.joined(separator: ", "))")
    }
    var result = StageResult()
    result.outputs = [folder + "/items.bin"].filter(FileSystem.exists)
    result.digest = summary.digest
    result.inputs = [StageInput(name: "files", value: summary.sourceSignature)]
    result.metrics = [
      "items": Double(summary.items), "rejected": Double(summary.rejected), "warnings": Double(summary.warnings),
      "withText": Double(summary.withText), "withImage": Double(summary.withImage),
      "imagesHashed": Double(summary.imagesHashed),
    ]
    for count in summary.reasons {
      result.metrics["\(count.severity.rawValue).\(count.reason.rawValue)"] = Double(count.count)
    }
    result.summary = "\(summary.items) items, \(summary.rejected) rejected, \(summary.warnings) warnings"
    return result
  }
}

extension PipelineConfiguration.Catalog {
  package var source: CatalogSource {
    CatalogSource(items: items, imageFolder: imageFolder, imageRoot: imageRoot)
  }

  package var catalogLimits: CatalogLimits {
    var limits = CatalogLimits()
    if let recordBytes { limits.recordBytes = recordBytes }
    if let imageBytes { limits.imageBytes = imageBytes }
    return limits
  }
}
