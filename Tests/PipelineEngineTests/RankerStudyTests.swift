import Foundation
import PipelineEngine
import Recommenders
import TensorMath
import TestSupport
import Testing

/// Users who like the ten items of one group and dislike others', told by ratings.
struct RatedFixture {
  var pipeline: PipelineFixture
  let folder: String
  var header = "user_id,item_id,timestamp,rating"
  var log: [String] = []

  init(folder: String, neighbors: Bool = true, minimumRating: String = ", minimumRating: 4", extra: String = "") {
    self.folder = folder
    pipeline = PipelineFixture(folder: folder)
    pipeline.catalog = "  interactions: { path: interactions.csv\(minimumRating) }\n  maxRejectedFraction: 0.1"
    pipeline.quantize = "{ sizes: [8, 8], iterations: 5\(neighbors ? ", neighbors: { count: 5 }" : "") }"
    pipeline.extra = extra
    var random = RandomSource(seed: 4)
    for time in 0..<1500 {
      let user = Int.random(in: 0..<40, using: &random)
      let item = Int.random(in: 0..<60, using: &random)
      log.append("u\(user),item-\(item),\(time),\(item / 10 == user % 6 ? 5 : 2)")
      log.append("u\(user),item-\(user % 6 * 10 + item % 10),\(time),5")
    }
  }

  func published(until stage: StageName = .publish) throws -> Pipeline {
    let text = header + "\n" + log.joined(separator: "\n") + "\n"
    try text.write(toFile: folder + "/interactions.csv", atomically: true, encoding: .utf8)
    _ = try pipeline.run(until: stage)
    return try pipeline.pipeline()
  }
}

@Suite("The ranker study")
struct RankerStudyTests {
  private static var training: RankerTraining.Parameters {
    var parameters = RankerTraining.Parameters()
    parameters.epochs = 3
    parameters.batch = 128
    parameters.evaluationInterval = 20
    return parameters
  }

  @Test func everyVariantIsMeasuredOnEverySlice() throws {
    try withTemporaryDirectory { folder in
      let study = try RankerStudy(RatedFixture(folder: folder).published())
      #expect(study.variants == RankerVariant.allCases)
      let observer = ProgressRecorder()
      let result = try study.run(seeds: 2, training: Self.training, observer: observer)
      #expect(result.table.rows.map(\.name) == RankerVariant.allCases.map(\.title))
      #expect(result.table.rows.allSatisfy { $0.runs == 2 })
      for row in result.table.rows {
        let all = try #require(row[.all])
        for estimate in [all.auc, all.uauc, all.gauc] {
          let found = try #require(estimate)
          #expect((0...1).contains(found.mean) && found.deviation != nil, "\(row.name)")
        }
        #expect(row[.coldItems] != nil && row[.longTailUsers] != nil)
      }
      // Who likes what is told by what was liked before.
      #expect(try #require(result.table.rows.last?[.all]?.auc).mean > 0.6)
      #expect(observer.lines.count == 10 && observer.lines.contains { $0.step == "ranking by + VQ codes" })
      let text = result.plainText()
      for part in ["generation 1: ", "labels from ratings", "all examples", "+ VQ and RQ codes", "GAUC", " ± "] {
        #expect(text.contains(part), "\(part)")
      }
      let data = try JSONEncoder().encode(result)
      #expect(try JSONDecoder().decode(RankerStudy.Result.self, from: data) == result)
    }
  }

  /// What the pipeline leaves out as too low a rating is the study's dislike.
  @Test func ratingsBelowTheMinimumAreDislikes() throws {
    try withTemporaryDirectory { folder in
      let study = try RankerStudy(RatedFixture(folder: folder).published())
      let result = try study.run(seeds: 1, variants: [.ids], training: Self.training)
      #expect(result.labels == .ratings)
      #expect(result.trainingExamples + result.validationExamples + result.testExamples == 3000)
      #expect(result.likedShare > 0.5 && result.likedShare < 0.7)
      #expect(result.cuts == [1200, 1350])
      #expect(result.notes.isEmpty)
    }
  }

  @Test func dislikesAreDrawnWhereTheyAreAskedForOrNotThere() throws {
    try withTemporaryDirectory { folder in
      let pipeline = try RatedFixture(folder: folder).published()
      let drawn = try RankerStudy(pipeline, labels: .drawn).run(seeds: 1, variants: [.ids], training: Self.training)
      #expect(drawn.labels == .drawn)
      #expect(drawn.likedShare > 0.45 && drawn.likedShare < 0.55)
      #expect(drawn.plainText().contains("dislikes drawn"))
    }
    try withTemporaryDirectory { folder in
      var fixture = RatedFixture(folder: folder, minimumRating: "")
      fixture.header = "user_id,item_id,timestamp"
      fixture.log = fixture.log.map { String($0[..<($0.lastIndex(of: ",") ?? $0.endIndex)]) }
      let pipeline = try fixture.published()
      let study = try RankerStudy(pipeline).run(seeds: 1, variants: [.residualCodes], training: Self.training)
      #expect(study.labels == .drawn)
      let refused = #expect(throws: (any Error).self) { try RankerStudy(pipeline, labels: .ratings) }
      #expect(PipelineError(wrapping: try #require(refused)).message.contains("dislikes that are drawn"))
    }
  }

  @Test func aGenerationWithoutNeighborsHasNoRowsWithThem() throws {
    try withTemporaryDirectory { folder in
      let study = try RankerStudy(RatedFixture(folder: folder, neighbors: false).published())
      #expect(study.variants == [.ids, .frozenVectors, .residualCodes])
      let result = try study.run(seeds: 1, training: Self.training)
      #expect(result.table.rows.count == 3)
      #expect(result.notes.contains { $0.contains("quantize.neighbors") })
      #expect(throws: RecommenderError.self) { try study.run(seeds: 1, variants: [.allCodes]) }
    }
  }

  /// On a later night only new items have vectors on disk.
  @Test func itemsWithoutAVectorAreCounted() throws {
    try withTemporaryDirectory { folder in
      var fixture = RatedFixture(folder: folder)
      _ = try fixture.published()
      fixture.pipeline.set("new-item", PipelineFixture.sentence(77))
      let study = try RankerStudy(fixture.published())
      let result = try study.run(seeds: 1, variants: [.frozenVectors], training: Self.training)
      #expect(result.generation == 2 && result.items == 61)
      #expect(result.notes.contains { $0.contains("60 of 61 items have no vector on disk") })
    }
  }

  @Test func anExpertGateCanBeAsked() throws {
    try withTemporaryDirectory { folder in
      let study = try RankerStudy(RatedFixture(folder: folder).published())
      let plain = try study.run(seeds: 1, variants: [.residualCodes], training: Self.training)
      let gated = try study.run(seeds: 1, variants: [.residualCodes], experts: 3, training: Self.training)
      #expect(plain.table != gated.table && plain.testExamples == gated.testExamples)
      #expect(try study.run(seeds: 1, variants: [.residualCodes], training: Self.training) == plain)
    }
  }

  /// Codes that learned from the time that is tested are pointed out; a cut of both at one time is not.
  @Test(arguments: [("{ leaveLast: 1 }", true), ("{ fraction: 0.7 }", false), ("{ until: 600 }", false)])
  func windowsThatReachIntoTheTestAreNamed(window: String, isNamed: Bool) throws {
    try withTemporaryDirectory { folder in
      let align = "{ steps: 10, batch: 64, width: 16, heads: 2, layers: 1, validationShare: 0.1 }"
      let extra = "pairs: { window: \(window) }\nalign: \(align)"
      let pipeline = try RatedFixture(folder: folder, extra: extra).published()
      let result = try RankerStudy(pipeline).run(seeds: 1, variants: [.ids], training: Self.training)
      #expect(result.notes.contains { $0.contains("pairs.window") } == isNamed, "\(result.notes)")
      if window.contains("fraction") { #expect(abs(result.cuts[0] - 1050) <= 1 && abs(result.cuts[1] - 1200) <= 1) }
    }
  }

  @Test func whatIsMissingIsNamed() throws {
    try withTemporaryDirectory { folder in
      var fixture = RatedFixture(folder: folder)
      let unpublished = #expect(throws: PipelineError.self) { try RankerStudy(fixture.pipeline.pipeline()) }
      #expect(unpublished?.code == .inputMissing)
      fixture.header = "user_id,item_id,position,rating"
      let pipeline = try fixture.published()
      let untimed = #expect(throws: (any Error).self) { try RankerStudy(pipeline) }
      #expect(PipelineError(wrapping: try #require(untimed)).message.contains("expected a timestamp for every event"))
      fixture.pipeline.catalog = ""
      let without = #expect(throws: PipelineError.self) { try RankerStudy(fixture.pipeline.pipeline()) }
      #expect(without?.message.contains("catalog.interactions") == true)
    }
  }

  @Test func aStopIsHeard() throws {
    try withTemporaryDirectory { folder in
      let study = try RankerStudy(RatedFixture(folder: folder).published())
      let interruption = Interruption()
      interruption.request()
      let error = #expect(throws: (any Error).self) {
        try Interruption.$current.withValue(interruption) { try study.run(seeds: 1) }
      }
      #expect(PipelineError(wrapping: try #require(error)).code == .interrupted)
    }
  }
}
