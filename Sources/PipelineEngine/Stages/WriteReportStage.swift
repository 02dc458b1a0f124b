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
    // Absent where there was none, so that other reports stay up to date.
    let preference = UInt64(publication.values["generation"] ?? "").flatMap {
      RecommenderShelf(context.workspace).preferenceDigest($0)
    }
    return [StageInput(name: "generation", value: publication.digest)] + others
      + [preference.map { StageInput(name: "preference", value: $0) }].compactMap { $0 }
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
