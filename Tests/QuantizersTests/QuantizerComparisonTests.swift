import Foundation
import Quantizers
import TensorMath
import TestSupport
import Testing

@Suite struct QuantizerComparisonTests {
  private func compare(_ x: Matrix, seed: UInt64 = 1) throws -> [QuantizerComparison] {
    let parameters = ResidualAutoencoder.Parameters(
      sizes: [16, 8], hidden: [24], latentDimensions: 6, epochs: 12, settlingEpochs: 1, batchSize: 32, seed: seed,
      sampleLimit: x.rows)
    return try QuantizerComparison.run(x, parameters: parameters, iterations: 5)
  }

  private func sample() -> Matrix {
    var random = RandomSource(seed: 1)
    return clusteredMatrix(600, 12, centers: 20, using: &random)
  }

  @Test func measuresBothMethodsAlike() throws {
    let x = sample(), found = try compare(x)
    #expect(found.map(\.method) == ["residual-kmeans", "rq-vae"])
    #expect(found.map(\.epochs) == [nil, 13])
    for figures in found {
      #expect(figures.rows == 600 && figures.dimensions == 12 && figures.sizes == [16, 8] && figures.seed == 1)
      #expect(figures.utilization.count == 2 && figures.entropy.count == 2)
      #expect(figures.reconstruction > 0 && figures.reconstruction < 1.1)
      #expect(figures.collisionRate >= figures.duplicateRate && figures.fitSeconds >= 0)
    }
  }

  @Test func theLossIsAShareOfTheVariance() throws {
    let x = sample()
    var moved = x
    // A shift that all vectors share is no information, so it changes no share.
    for index in moved.elements.indices { moved.elements[index] += 8 }
    let (plain, shifted) = (try compare(x)[0], try compare(moved)[0])
    #expect(abs(plain.reconstruction - shifted.reconstruction) < 0.02)
    let quantizer = try ResidualQuantizer.train(
      x, parameters: ResidualQuantizer.Parameters(sizes: [16, 8], iterations: 5, seed: 1)
    ).quantizer
    var centered = x
    centered.subtractFromRows(x.columnMeans())
    let variance = centered.rowSquaredNorms().reduce(0.0) { $0 + Double($1) } / 600
    #expect(abs(plain.reconstruction - (try quantizer.encode(x).meanSquaredError) / variance) < 1e-6)
  }

  @Test func figuresAreWrittenWithTheKeysThatTheScriptReads() throws {
    let data = try JSONEncoder().encode(try compare(sample())[1])
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    for key in [
      "method", "seed", "n", "d", "sizes", "reconstruction", "utilization", "entropy", "collision_rate",
      "duplicate_rate", "fit_s", "epochs",
    ] { #expect(object[key] != nil, "\(key)") }
  }
}
