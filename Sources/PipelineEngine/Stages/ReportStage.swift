/// Writes the run's report beside its manifest.
struct ReportStage: Stage {
  let name = StageName.report
  let codeVersion = StageCodeVersions.report

  func settings(_ configuration: PipelineConfiguration) -> [StageInput] {
    [StageInput(name: "report.neighborSample", value: "\(configuration.report?.neighborSample ?? 0)")]
  }

  func inputs(_ context: RunContext) throws -> [StageInput] {
    [StageInput(name: "generation", value: try context.manifest(.publish).digest)]
  }

  func run(_ context: RunContext) throws -> StageResult {
    StageResult()
  }
}
