import PipelineEngine
import TestSupport
import Testing

@Suite struct FingerprintTests {
  private let base = StageFingerprint(
    codeVersion: 1, configuration: [StageInput(name: "quantize.seed", value: "1")],
    inputs: [StageInput(name: "catalog", value: String(repeating: "ab", count: 32))])

  @Test func equalFingerprintsHaveNoDifference() {
    #expect(base.difference(from: base) == nil)
    #expect(base.digest.count == 64)
  }

  @Test func theReasonNamesWhatChanged() {
    var other = base
    other.codeVersion = 2
    #expect(other.difference(from: base) == "its code changed (version 1 → 2)")
    other = base
    other.configuration[0].value = "2"
    #expect(other.difference(from: base) == "configuration quantize.seed changed (1 → 2)")
    other = base
    other.inputs[0].value = String(repeating: "cd", count: 32)
    #expect(other.difference(from: base) == "input catalog changed (abababab → cdcdcdcd)")
    other = base
    other.inputs.append(StageInput(name: "pairs", value: "x"))
    #expect(other.difference(from: base) == "input pairs is new: x")
    #expect(base.difference(from: other) == "input pairs is gone")
    #expect(other.digest != base.digest)
  }
}

@Suite(.serialized) struct PlanTests {
  @Test func aFirstNightRunsEverythingAndPlanningWritesNothing() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      let plan = try fixture.plan()
      for stage in [StageName.catalog, .encode, .represent, .quantize, .resolve, .publish, .export] {
        #expect(plan[stage]?.action == .run)
        #expect(plan[stage]?.reason == "it has not run yet")
      }
      #expect(plan[.report]?.action == .absent)
      #expect((try? fixture.generations()) == nil)
    }
  }

  @Test func afterARunNothingIsLeftToDo() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      let stages1 = try ran(fixture.run())
      #expect(stages1 == [.catalog, .encode, .represent, .quantize, .resolve, .publish, .export])
      let actions = Set(try fixture.plan().values.map(\.action))
      #expect(actions == [.skip, .absent])
      let stages2 = try ran(fixture.run())
      #expect(stages2.isEmpty)
      #expect(try fixture.generations() == [1])
    }
  }

  @Test func theReasonSaysWhichSettingChanged() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      fixture.resolve = "{ policy: suffix }"
      var plan = try fixture.plan()
      #expect(plan[.catalog]?.action == .skip)
      #expect(plan[.encode]?.action == .run)
      #expect(plan[.resolve]?.reason == "configuration resolve.policy changed (relocate → suffix)")
      fixture.resolve = "{ policy: relocate }"
      fixture.extra = "report: {}"
      plan = try fixture.plan()
      #expect(plan[.export]?.action == .skip)
      #expect(plan[.report]?.reason == "it has not run yet")
    }
  }

  @Test func aMissingOutputAndAForcedStageAreReasons() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      try fixture.run()
      #expect(try fixture.plan(force: .export)[.export]?.reason == "it is forced")
      try remove(folder + "/work/ids.csv")
      #expect(try fixture.plan()[.export]?.reason == "output ids.csv is missing")
      let stages3 = try ran(fixture.run())
      #expect(stages3 == [.export])
      try remove(folder + "/work/stages/represent/representations.f32")
      #expect(
        try fixture.plan()[.represent]?.reason == "output stages/represent/representations.f32 is missing")
    }
  }

  @Test func stagesBehindAChangeMayRun() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      try fixture.run()
      fixture.set("item-3", "entirely different words about a bicycle")
      let plan = try fixture.plan()
      #expect(plan[.catalog]?.action == .run)
      #expect(plan[.catalog]?.reason.contains("input files changed") == true)
      #expect(plan[.publish]?.action == .mayRun)
      #expect(plan[.publish]?.reason == "depends on what catalog makes")
    }
  }

  @Test func untilStopsAfterAStage() throws {
    try withTemporaryDirectory { folder in
      let fixture = PipelineFixture(folder: folder)
      let stages4 = try ran(fixture.run(until: .encode))
      #expect(stages4 == [.catalog, .encode])
      let stages5 = try ran(fixture.run())
      #expect(stages5 == [.represent, .quantize, .resolve, .publish, .export])
    }
  }
}
