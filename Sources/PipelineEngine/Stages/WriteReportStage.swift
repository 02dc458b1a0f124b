/// Writes the run's report into its folder.
struct WriteReportStage: Stage {
  let name = StageName.report
  let codeVersion = StageCodeVersions.report

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] {
    [StageInput(name: "report.buckets", value: "\(configuration.report?.buckets ?? 0)")]
  }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    let others = [StageName.pairs, .train].compactMap { stage in
      context.finished[stage].map { StageInput(name: stage.rawValue, value: $0.digest) }
    }
    let publication = try context.manifest(.publish)
    let shelf = RecommenderShelf(context.workspace), generation = UInt64(publication.values["generation"] ?? "")
    // Absent where there was none, so that other reports stay up to date.
    let accounts = [
      ("preference", generation.flatMap { shelf.preferenceDigest($0) }),
      ("finetune", generation.flatMap { shelf.tuningDigest($0) }),
    ]
    return [StageInput(name: "generation", value: publication.digest)] + others
      + accounts.compactMap { name, digest in digest.map { StageInput(name: name, value: $0) } }
  }

  func run(_ context: RunContext) throws -> StageResult {
    let folder = context.workspace.run(context.runNumber)
    try FileSystem.makeDirectory(folder)
    try FileSystem.makeDirectory(context.workspace.stage(.report))
    try ReportWriter.write(
      try ReportBuilder(context).data(), into: folder, pictures: context.workspace.stage(.report) + "/pictures.bin")
    var result = StageResult()
    result.outputs = [folder + "/report.html", folder + "/report.json"]
    result.values = ["report": folder + "/report.html"]
    result.summary = folder + "/report.html"
    return result
  }
}
