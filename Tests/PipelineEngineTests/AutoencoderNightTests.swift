import Foundation
import PipelineEngine
import Quantizers
import SemanticIDStore
import TensorMath
import TestSupport
import Testing

private let small =
  "{ method: rq-vae, sizes: [8, 8], autoencoder: "
  + "{ hidden: [12], latentDimensions: 4, epochs: 6, settlingEpochs: 2, batchSize: 16 } }"

@Suite(.serialized) struct AutoencoderNightTests {
  private func encoder(_ fixture: PipelineFixture) throws -> String? {
    try SemanticIDStore.open(fixture.folder + "/work/store", mode: .readOnly).generations().last?.artifacts["quantizer"]
  }

  @Test func publishesCodesWithTheEncoderTheyNeed() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = small
      fixture.extra = "report: {}"
      let summary = try fixture.run()
      let records = try fixture.records()
      #expect(records.count == 60 && Set(records.values.map(\.semanticID)).count == 60)
      let fingerprint = try #require(try encoder(fixture))
      #expect(FileManager.default.fileExists(atPath: folder + "/work/models/\(fingerprint).safetensors"))
      let store = try SemanticIDStore.open(folder + "/work/store", mode: .readOnly)
      let (sizes, metrics) = try store.read { reader in
        (try reader.codebooks().map { [$0.size, $0.dimensions] }, reader.manifest.metrics)
      }
      #expect(sizes == [[8, 4], [8, 4]], "the store keeps the latent codebooks")
      let quantize = try #require(summary.stages.first { $0.stage == .quantize })
      #expect(quantize.metrics["epochs"] == 8)
      #expect(metrics["relativeError"] == quantize.metrics["meanSquaredError"])
    }
  }

  @Test func theReportShowsTheTraining() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = small
      fixture.extra = "report: {}"
      try fixture.run()
      let run = folder + "/work/runs/000001"
      let page = try String(contentsOfFile: run + "/report.html", encoding: .utf8)
      #expect(page.contains("id=\"training\"") && page.contains("Reconstruction error"))
      let json = try JSONDecoder().decode(
        ReportData.self, from: Data(contentsOf: URL(fileURLWithPath: run + "/report.json")))
      #expect(json.training?.count == 8)
      fixture.set("newcomer", "an oak table for the winter garden")
      try fixture.run()
      let second = try String(contentsOfFile: folder + "/work/runs/000002/report.html", encoding: .utf8)
      #expect(!second.contains("id=\"training\""), "nothing was trained tonight")
    }
  }

  @Test func aLaterNightEncodesWithTheFrozenEncoder() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = small
      try fixture.run()
      let (first, model) = (try fixture.records(), try encoder(fixture))
      fixture.set("newcomer", PipelineFixture.sentence(7))
      fixture.set("item-5", "a wholly new description of a brass telescope")
      let summary = try fixture.run()
      let encode = try #require(summary.stages.first { $0.stage == .encode })
      #expect(encode.metrics["rows"] == 2)
      #expect(try encoder(fixture) == model)
      let second = try fixture.records()
      for (id, record) in first where id != "item-5" { #expect(second[id] == record) }
      // The newcomer has item-7's text, so the same encoder and codebooks give it item-7's codes but for the policy.
      let (old, new) = (second["item-7"]?.semanticID.codes, second["newcomer"]?.semanticID.codes)
      #expect(old?.first == new?.first)
    }
  }

  @Test func aForcedRefitTrainsOnAndReplacesTheEncoder() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = small
      try fixture.run()
      let model = try encoder(fixture)
      try fixture.run(force: .quantize)
      #expect(try encoder(fixture) != model)
      #expect(try fixture.generations() == [1, 2])
    }
  }

  @Test func twoFirstNightsAreTheSame() throws {
    try withTemporaryDirectory { one in
      try withTemporaryDirectory { other in
        var (left, right) = (PipelineFixture(folder: one), PipelineFixture(folder: other))
        (left.quantize, right.quantize) = (small, small)
        try left.run()
        try right.run()
        #expect(try left.records() == right.records())
        #expect(try encoder(left) == encoder(right))
      }
    }
  }

  @Test func aLostEncoderStopsTheNightUnlessItMayRefit() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = small
      try fixture.run()
      let fingerprint = try #require(try encoder(fixture))
      try remove(folder + "/work/models/\(fingerprint).safetensors")
      fixture.set("newcomer", "an oak table for the winter garden")
      do {
        try fixture.run()
        Issue.record("a night without its encoder went on")
      } catch let error as PipelineError {
        #expect(error.code == .inputMissing && error.message.contains("--force quantize"))
      }
      try fixture.run(force: .quantize)
      #expect(try fixture.records().count == 61)
    }
  }

  @Test func aDamagedEncoderIsAnErrorThatNamesTheFile() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize = small
      try fixture.run()
      let fingerprint = try #require(try encoder(fixture))
      try Data("no tensors".utf8).write(to: URL(fileURLWithPath: folder + "/work/models/\(fingerprint).safetensors"))
      fixture.set("newcomer", "an oak table for the winter garden")
      do {
        try fixture.run()
        Issue.record("a damaged encoder was used")
      } catch let error as PipelineError { #expect(error.message.contains(fingerprint)) }
    }
  }

  @Test func worksWithoutAnEncoderAndWithNeighbors() throws {
    try withTemporaryDirectory { folder in
      var fixture = PipelineFixture(folder: folder)
      fixture.quantize =
        "{ method: rq-vae, sizes: [8, 8], neighbors: { count: 3 }, "
        + "autoencoder: { latentDimensions: 0, epochs: 4, settlingEpochs: 0 } }"
      try fixture.run()
      fixture.set("newcomer", "an oak table for the winter garden")
      try fixture.run()
      #expect(try fixture.records().count == 61)
    }
  }
}

@Suite struct QuantizeConfigurationTests {
  private func load(_ quantize: String, _ more: String = "") throws -> PipelineConfiguration.Quantize {
    let text = """
      name: tiny
      catalog: { items: items.jsonl, interactions: log.csv }
      encode: { text: { model: builtin } }
      represent: { dimensions: 8 }
      quantize: \(quantize)
      \(more)
      """
    let job = try PipelineConfiguration(
      yaml: Array(text.utf8), path: "/p.yaml", environment: [:], currentDirectory: "/")
    return try #require(job.quantize)
  }

  private func mistake(_ quantize: String) -> String {
    do {
      _ = try load(quantize)
      return ""
    } catch { return (error as? PipelineError)?.message ?? "\(error)" }
  }

  @Test func defaultsAreTheQuantizersOwn() throws {
    let job = try load("{ method: rq-vae, sizes: [4, 4], seed: 9, sampleLimit: 500 }")
    #expect(job.autoencoder == ResidualAutoencoder.Parameters(sizes: [4, 4], seed: 9, sampleLimit: 500))
    #expect(try load("{}").autoencoder == nil)
    #expect(try load("{}").neighbors == nil)
    let neighbors = try load("{ neighbors: {} }").neighbors
    #expect(neighbors?.count == 25 && neighbors?.itemSet == 50_000)
  }

  @Test func everyKeyArrives() throws {
    let job = try load(
      "{ method: rq-vae, sizes: [4], autoencoder: { hidden: [9, 8], latentDimensions: 7, estimator: rotation, "
        + "commitment: 0.5, centroidDecay: 0.9, epochs: 6, settlingEpochs: 5, patience: 4, batchSize: 3, "
        + "learningRate: 0.02, weightDecay: 0.1, heldOutShare: 0.2, pairWeight: 0.75 }, "
        + "neighbors: { count: 2, itemSet: 11 } }", "pairs: {}")
    var expected = ResidualAutoencoder.Parameters(sizes: [4])
    expected.hidden = [9, 8]
    expected.latentDimensions = 7
    expected.estimator = .rotation
    expected.commitment = 0.5
    expected.centroidDecay = 0.9
    expected.epochs = 6
    expected.settlingEpochs = 5
    expected.patience = 4
    expected.batchSize = 3
    expected.learningRate = 0.02
    expected.weightDecay = 0.1
    expected.heldOutShare = 0.2
    expected.pairWeight = 0.75
    #expect(job.autoencoder == expected)
    #expect(job.neighbors?.count == 2 && job.neighbors?.itemSet == 11)
    #expect(try load("{ method: rq-vae, autoencoder: { latentDimensions: 0 } }").autoencoder?.hidden == [])
  }

  @Test func mistakesAreNamed() {
    #expect(mistake("{ autoencoder: {} }").contains("write method: rq-vae"))
    #expect(mistake("{ method: rq-vae, iterations: 3 }").contains("autoencoder.epochs"))
    #expect(mistake("{ method: rq-vae, autoencoder: { latentDimensions: 0, hidden: [4] } }").contains("hidden layers"))
    #expect(mistake("{ method: rq-vae, autoencoder: { epoch: 4 } }").contains("did you mean 'epochs'"))
    #expect(mistake("{ method: rq-vea }").contains("did you mean 'rq-vae'"))
    #expect(mistake("{ method: rq-vae, autoencoder: { heldOutShare: 0.9 } }").contains("heldOutShare"))
    #expect(
      mistake("{ method: rq-vae, autoencoder: { pairWeight: 1 } }").contains(
        "/p.yaml:5: quantize.autoencoder.pairWeight brings items together that behavior ties: add the section 'pairs'"))
    #expect(mistake("{ method: rq-vae, autoencoder: { pairWeight: 0 } }").isEmpty)
    #expect(mistake("{ neighbors: { k: 25 } }").contains("unknown key 'k'"))
    #expect(mistake("{ neighbors: { count: 0 } }").contains("neighbors.count"))
  }
}
