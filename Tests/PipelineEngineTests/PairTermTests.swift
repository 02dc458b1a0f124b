import BehaviorAlignment
import Foundation
import PipelineEngine
import Quantizers
import SemanticIDStore
import TensorMath
import TestSupport
import Testing

/// `quantize.autoencoder.pairWeight`: an RQ-VAE that is told which items behavior ties.
@Suite("The pair term of RQ-VAE", .serialized)
struct PairTermTests {
  private static func quantize(_ weight: String) -> String {
    "{ method: rq-vae, sizes: [6, 8], autoencoder: { hidden: [48], latentDimensions: 8, epochs: 60, settlingEpochs: 4, "
      + "patience: 60, batchSize: 16, learningRate: 0.005, heldOutShare: 0\(weight) } }"
  }

  /// Users keep to tens of items, which their texts do not tell.
  private static func fixture(_ folder: String, _ weight: String) -> PairsFixture {
    var fixture = PairsFixture(folder: folder)
    fixture.pipeline.quantize = quantize(weight)
    fixture.pipeline.resolve = "{ policy: keep }"
    fixture.pipeline.extra = "pairs: { window: { leaveLast: 1 } }"
    return fixture
  }

  /// Of the held-out pairs, the share that has the first code in common.
  private static func agreement(_ fixture: PairsFixture) throws -> Double {
    let heldOut = try HeldOutPairs(contentsOf: fixture.stageFolder + "/held-out.safetensors", itemCount: 60)
    let records = try fixture.pipeline.records()
    let shared = try (0..<heldOut.count).count { index in
      let codes = try [heldOut.triggers[index], heldOut.targets[index]].map { row in
        try #require(records["item-\(row)"]).semanticID.codes[0]
      }
      return codes[0] == codes[1]
    }
    return Double(shared) / Double(heldOut.count)
  }

  @Test func heldOutPairsShareCodesMoreOften() throws {
    let shares = try ["", ", pairWeight: 8"].map { weight in
      try withTemporaryDirectory { folder in
        let fixture = Self.fixture(folder, weight)
        let summary = try fixture.run()
        let metrics = try #require(summary.stages.first { $0.stage == .quantize }).metrics
        #expect((metrics["pairDistance"] != nil) == !weight.isEmpty)
        return try Self.agreement(fixture)
      }
    }
    #expect(shares[1] > 1.5 * shares[0], "\(shares[1]) with the term, and \(shares[0]) without")
  }

  @Test func theEncoderIsFrozenBetweenNightsThoughTheLogGrows() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder, ", pairWeight: 2")
      _ = try fixture.run()
      let before = try fixture.pipeline.records()
      #expect(ran(try fixture.run()).isEmpty)
      fixture.log.append("u3,item-31,700")
      fixture.pipeline.set("zzz-new", PipelineFixture.sentence(77))
      let summary = try fixture.run()
      #expect(try #require(summary.stages.first { $0.stage == .quantize }).metrics["epochs"] == nil)
      let after = try fixture.pipeline.records()
      for (id, record) in before { #expect(after[id]?.semanticID == record.semanticID, "\(id)") }
    }
  }

  @Test func anotherWeightTrainsAnew() throws {
    try withTemporaryDirectory { folder in
      var fixture = Self.fixture(folder, ", pairWeight: 2")
      _ = try fixture.run()
      fixture.pipeline.quantize = Self.quantize(", pairWeight: 3")
      let summary = try fixture.run()
      #expect(try #require(summary.stages.first { $0.stage == .quantize }).metrics["epochs"] != nil)
    }
  }

  /// Codebooks that are trained on a sample get the pairs of that sample alone.
  @Test func aSampleTakesThePairsAmongItsItems() throws {
    try withTemporaryDirectory { folder in
      var fixture = PairsFixture(folder: folder)
      for index in 60..<400 { fixture.pipeline.set("other-\(index)", PipelineFixture.sentence(index)) }
      fixture.pipeline.quantize = Self.quantize(", pairWeight: 2").replacingOccurrences(
        of: "rq-vae,", with: "rq-vae, sampleLimit: 256,")
      fixture.pipeline.extra = "pairs: {}"
      let summary = try fixture.run()
      #expect(try #require(summary.stages.first { $0.stage == .quantize }).metrics["pairDistance"] != nil)
    }
  }

  @Test func theSampleIsTheOneThatIsRead() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/vectors"
      let writer = try ColumnFileWriter<Float>(path: path, columns: 2)
      let numbers = ContiguousArray((0..<80_000).map { Float($0 / 2) })
      try writer.append(numbers.span)
      try writer.finish()
      let vectors = try ColumnFileReader<Float>(path: path)
      let rows = TrainingSample.rows(of: 40_000, limit: 700, seed: 3)
      let sample = try TrainingSample.read(vectors, limit: 700, seed: 3)
      #expect(rows.count == 700 && rows == rows.sorted() && Set(rows).count == 700)
      #expect((0..<700).allSatisfy { sample[$0, 0] == Float(rows[$0]) && sample[$0, 1] == Float(rows[$0]) })
      #expect(TrainingSample.rows(of: 9, limit: 9, seed: 3) == Array(0..<9))
      #expect(TrainingSample.rows(of: 40_000, limit: 700, seed: 4) != rows)
    }
  }
}
