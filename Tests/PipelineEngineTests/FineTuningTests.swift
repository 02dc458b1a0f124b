import Foundation
import PipelineEngine
import Recommenders
import SemanticIDStore
import TestSupport
import Testing

/// What keeps served codes as they are.
@Suite("Fine-tuning that is refused")
struct FineTuningRefusalTests {
  @Test func anImpossibleGainKeepsWhatIsServed() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(
        folder, finetune: "{ epochs: 1, steps: 20, seeds: 2, gate: { minimumGain: 1000, maximumChurn: 1 } }")
      try fixture.run()
      let (records, answers, entry) = (try fixture.records(), try fixture.answers(), fixture.shelved(1))
      let outcome = try fixture.tuning().run()
      #expect(outcome.base == 1 && outcome.published == nil)
      #expect(!outcome.reasons.isEmpty)
      for reason in outcome.reasons {
        #expect(reason.hasSuffix(".") && reason.contains("expected"), "no sentence: \(reason)")
      }
      #expect(try fixture.store().currentGeneration() == 1)
      #expect(try fixture.generations() == [1])
      #expect(try fixture.records() == records)
      #expect(entry != nil && fixture.shelved(1) == entry && fixture.shelved(2) == nil)
      #expect(try fixture.answers() == answers)
    }
  }

  @Test func theEvidenceIsOfEverySeedAndLevel() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(
        folder, finetune: "{ cycles: 2, epochs: 1, steps: 20, seeds: 2, gate: { minimumGain: 1000 } }")
      let outcome = try fixture.tuning().run()
      let evidence = outcome.evidence
      #expect(evidence.servedNDCG.count == 2 && evidence.tunedNDCG.count == 2)
      #expect(evidence.servedUtilization.count == 2 && evidence.tunedUtilization.count == 2)
      #expect(outcome.servedEntropy.count == 2)
      #expect((0...1).contains(evidence.churn))
      #expect(outcome.cycles.count == 2)
      for cycle in outcome.cycles {
        #expect(cycle.steps == 20 && cycle.stopReason == nil)
        #expect(cycle.lossBefore > 0 && cycle.lossAfter > 0)
        #expect(cycle.agreement == 1, "training and serving assign the same codes")
        #expect(cycle.entropy.count == 2)
      }
      #expect(outcome.trainingSteps > 0)
      let (served, tuned) = (try #require(outcome.served), try #require(outcome.tuned))
      for arm in [served, tuned] {
        #expect((0...1).contains(arm.recall) && (0...1).contains(arm.ndcg))
        #expect(arm.recallDeviation != nil && arm.ndcgDeviation != nil)
      }
    }
  }

  @Test func aRunThatWasMadeWorseIsRefusedForQualityAndChurn() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(
        folder, finetune: "{ epochs: 1, steps: 20, seeds: 1, gate: { minimumGain: 3, maximumChurn: 0.3 } }")
      try fixture.run()
      let (records, answers) = (try fixture.records(), try fixture.answers())
      let outcome = try fixture.tuning().run(worsening: 2)
      #expect(outcome.published == nil)
      #expect(outcome.evidence.churn > 0.3)
      #expect(outcome.reasons.count >= 2, "\(outcome.reasons)")
      #expect(outcome.reasons.contains { $0.contains("NDCG@10 went from") })
      #expect(outcome.reasons.contains { $0.contains("would change their semantic ID") })
      #expect(try fixture.generations() == [1])
      #expect(try fixture.records() == records)
      #expect(try fixture.answers() == answers)
    }
  }

  @Test func theOutcomeStandsInTheRunsFolder() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, finetune: "{ epochs: 1, steps: 20, seeds: 1, gate: { minimumGain: 1000 } }")
      let outcome = try fixture.tuning().run()
      let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/work/runs/000001/finetune.json"))
      let written = try JSONDecoder().decode(TuningOutcome.self, from: data)
      #expect(written.evidence == outcome.evidence)
      #expect(written.reasons == outcome.reasons)
      #expect(written.cycles == outcome.cycles)
    }
  }

  /// A drill says nothing of the codes, so the report does not show it.
  @Test func theNextReportShowsWhatTuningCameTo() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(
        folder, finetune: "{ epochs: 1, steps: 20, seeds: 1, gate: { minimumGain: 1000 } }", extra: "report: {}")
      func shown(_ run: RunSummary) throws -> ReportTuning? {
        let file = URL(fileURLWithPath: run.folder + "/report.json")
        return try JSONDecoder().decode(ReportData.self, from: Data(contentsOf: file)).tuning
      }
      #expect(try shown(fixture.run()) == nil)
      _ = try fixture.tuning().run(worsening: 2)
      #expect(try shown(fixture.run(force: .report)) == nil)
      let outcome = try fixture.tuning().run()
      let next = try fixture.run()
      #expect(ran(next).contains(.report))
      let tuning = try #require(try shown(next))
      #expect(tuning.base == 1 && tuning.published == nil && tuning.reasons == outcome.reasons)
      #expect(tuning.churn == outcome.evidence.churn && tuning.lossAfter == outcome.cycles.map(\.lossAfter))
      #expect(tuning.tuned.ndcg == outcome.tuned?.ndcg)
      #expect(ran(try fixture.run()).isEmpty)
    }
  }

  /// The night that made the generation fitted everything; the run after a refusal fits nothing of it again.
  @Test func theRunAfterARefusalFitsNothing() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(
        folder, finetune: "{ epochs: 1, steps: 20, seeds: 1, gate: { minimumGain: 1000 } }",
        extra: "align: { steps: 30, batch: 64, width: 16, heads: 2, layers: 1, validationShare: 0.1 }")
      let first = try fixture.run()
      #expect(first.stages.first { $0.stage == .align }?.metrics["steps"] == 30)
      let records = try fixture.records()
      #expect(try fixture.tuning().run().published == nil)
      let next = try fixture.run()
      #expect(next.stages.first { $0.stage == .align }?.metrics["steps"] == nil, "the aligner was trained again")
      #expect(next.stages.first { $0.stage == .quantize }?.metrics["trainingError.0"] == nil)
      #expect(!ran(next).contains(.train))
      #expect(next.generation == "1")
      #expect(try fixture.generations() == [1])
      #expect(try fixture.records() == records)
      #expect(ran(try fixture.run()).isEmpty)
    }
  }

  @Test func theSameTuningComesOutTheSame() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, finetune: "{ epochs: 1, steps: 20, seeds: 1, gate: { minimumGain: 1000 } }")
      let (first, second) = (try fixture.tuning().run(), try fixture.tuning().run())
      #expect(first.evidence == second.evidence)
      #expect(first.cycles == second.cycles)
    }
  }

  @Test func aPipelineWithoutTheSectionIsToldWhatToAdd() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder, finetune: nil)
      let error = #expect(throws: PipelineError.self) { try fixture.tuning() }
      #expect(error?.code == .invalidData)
      #expect(error?.message.contains("add the section 'finetune: {}'") == true)
    }
  }

  @Test func anotherRunInTheWorkspaceTurnsItAway() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder)
      let tuning = try fixture.tuning()
      try FileManager.default.createDirectory(atPath: folder + "/work", withIntermediateDirectories: true)
      let lock = try RunLock(workspace: folder + "/work")
      let error = withExtendedLifetime(lock) { #expect(throws: PipelineError.self) { try tuning.run() } }
      #expect(error?.code == .locked)
      #expect(!FileManager.default.fileExists(atPath: folder + "/work/store"))
    }
  }

  @Test func aWindowThatHoldsNothingOutIsAnError() throws {
    try withTemporaryDirectory { folder in
      var fixture = TuningFixture(folder)
      fixture.pairs.pipeline.extra = fixture.pairs.pipeline.extra.replacingOccurrences(
        of: "baselines:", with: "window: { leaveLast: 0 }, baselines:")
      let error = #expect(throws: PipelineError.self) { try fixture.tuning().run() }
      #expect(error?.code == .invalidData)
      #expect(error?.message.contains("set train.window to { leaveLast: 2 }") == true)
    }
  }

  @Test func aStopBetweenStepsLeavesWhatIsServed() throws {
    try withTemporaryDirectory { folder in
      let fixture = TuningFixture(folder)
      try fixture.run()
      let (records, answers) = (try fixture.records(), try fixture.answers())
      let interruption = Interruption()
      let observer = RecordingObserver { event in
        if case .progress(_, let step, _, _, _, _) = event, step.hasPrefix("tuning codes") { interruption.request() }
      }
      let error = #expect(throws: PipelineError.self) {
        try Interruption.$current.withValue(interruption) { try fixture.tuning(observer: observer).run() }
      }
      #expect(error?.code == .interrupted)
      #expect(try fixture.generations() == [1])
      #expect(try fixture.records() == records)
      #expect(try fixture.answers() == answers)
      try fixture.run()
      #expect(try fixture.generations() == [1])
    }
  }
}
