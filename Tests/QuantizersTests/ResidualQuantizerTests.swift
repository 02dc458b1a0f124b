import Quantizers
import TensorMath
import TestSupport
import Testing

private typealias Parameters = ResidualQuantizer.Parameters

private func sample(_ rows: Int = 1500, _ columns: Int = 16, seed: UInt64 = 1) -> Matrix {
  var random = RandomSource(seed: seed)
  return clusteredMatrix(rows, columns, centers: 40, using: &random)
}

@Suite struct ResidualQuantizerTests {
  @Test(arguments: ResidualQuantizer.Method.allCases) func conforms(method: ResidualQuantizer.Method) throws {
    let x = sample()
    let parameters = Parameters(method: method, sizes: [24, 16, 7], iterations: 8)
    try expectConformance(ResidualQuantizer.train(x, parameters: parameters).quantizer, on: x)
  }

  @Test(arguments: ResidualQuantizer.Method.allCases) func trainsTheSameWithOneSeedOnAnyNumberOfThreads(
    method: ResidualQuantizer.Method
  ) throws {
    let x = sample(3000)
    var parameters = Parameters(method: method, sizes: [32, 16], iterations: 6, seed: 5)
    let one = try withThreads(1) { try ResidualQuantizer.train(x, parameters: parameters) }
    let two = try withThreads(2) { try ResidualQuantizer.train(x, parameters: parameters) }
    #expect(one.quantizer.codebooks == two.quantizer.codebooks)
    #expect(one.statistics == two.statistics)
    parameters.seed = 6
    let other = try ResidualQuantizer.train(x, parameters: parameters)
    #expect(one.quantizer.codebooks != other.quantizer.codebooks)
  }

  @Test func everyLevelLowersTheErrorAndStatisticsAgreeWithTheEncoding() throws {
    let x = sample()
    let result = try ResidualQuantizer.train(x, parameters: Parameters(sizes: [32, 32, 32], iterations: 10))
    let encoding = try result.quantizer.encode(x)
    for level in 0..<3 {
      let statistics = result.statistics[level]
      #expect(abs(statistics.meanSquaredError - encoding.levelErrors[level]) < 1e-6)
      #expect(statistics.occupancy == occupancy(encoding.codes, level: level, size: 32))
      if level > 0 { #expect(encoding.levelErrors[level] < encoding.levelErrors[level - 1]) }
    }
    #expect(result.sampleCount == x.rows)
  }

  @Test func moreCentroidsLeaveLessError() throws {
    let x = sample()
    let errors = try [4, 16, 64, 256].map { size in
      try ResidualQuantizer.train(x, parameters: Parameters(sizes: [size, size], iterations: 10))
        .quantizer.encode(x).meanSquaredError
    }
    #expect(errors == errors.sorted(by: >))
  }

  @Test func trainsOnASampleAndEncodesEverything() throws {
    let x = sample(4000)
    let result = try ResidualQuantizer.train(
      x, parameters: Parameters(sizes: [40, 40], iterations: 10, sampleLimit: 1000))
    #expect(result.sampleCount == 1000)
    #expect(result.statistics.allSatisfy { $0.occupancy.reduce(0, +) == 1000 })
    let whole = try ResidualQuantizer.train(x, parameters: Parameters(sizes: [40, 40], iterations: 10))
    let sampled = try result.quantizer.encode(x).meanSquaredError
    #expect(sampled < 1.3 * (try whole.quantizer.encode(x).meanSquaredError))
  }

  @Test func aRefitStartsFromTheOldCentroids() throws {
    let x = sample()
    let parameters = Parameters(sizes: [32, 16], iterations: 60)
    let first = try ResidualQuantizer.train(x, parameters: parameters)
    let again = try ResidualQuantizer.train(x, parameters: parameters, startingFrom: first.quantizer.codebooks)
    #expect(again.statistics[0].iterations.count <= 2, "converged centroids stay where they are")
    let error = try again.quantizer.encode(x).meanSquaredError
    #expect(error <= 1.001 * (try first.quantizer.encode(x).meanSquaredError))
  }

  @Test func reportsProgressInOrder() throws {
    var seen: [[Int]] = []
    _ = try ResidualQuantizer.train(sample(), parameters: Parameters(sizes: [200, 150], iterations: 3)) {
      #expect($0.levelCount == 2 && $0.iterationCount == 3 && $0.objective > 0)
      seen.append([$0.level, $0.iteration])
    }
    #expect(seen == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]])
  }

  @Test func namesTheComputePath() throws {
    let result = try ResidualQuantizer.train(sample(100), parameters: Parameters(sizes: [4], iterations: 2))
    #expect(["int8+float32", "float32"].contains(result.quantizer.computePath))
  }
}

@Suite struct ResidualQuantizerEdgeTests {
  @Test(arguments: ResidualQuantizer.Method.allCases) func trainsOnFewerRowsThanCentroids(
    method: ResidualQuantizer.Method
  ) throws {
    let x = sample(5)
    let result = try ResidualQuantizer.train(
      x, parameters: Parameters(method: method, sizes: [16, 8], iterations: 4))
    let encoding = try result.quantizer.encode(x)
    #expect(result.quantizer.codebooks.sizes == [16, 8])
    #expect(encoding.codes.count == 5)
    if method == .kMeans {
      #expect(encoding.meanSquaredError < 1e-9)
      #expect(Set(encoding.codes.column(0)).count == 5, "each row has a centroid of its own")
    }
  }

  @Test(arguments: ResidualQuantizer.Method.allCases) func trainsOnCopiesOfOneRow(
    method: ResidualQuantizer.Method
  ) throws {
    let x = sample(1).selectingRows(Array(repeating: 0, count: 60))
    let result = try ResidualQuantizer.train(
      x, parameters: Parameters(method: method, sizes: [4, 3], iterations: 4))
    let encoding = try result.quantizer.encode(x)
    #expect(Set((0..<60).map { Array(encoding.codes.row($0)) }).count == 1, "equal rows have equal codes")
    #expect(encoding.meanSquaredError < 1e-9)
  }

  @Test func oneCentroidIsTheMean() throws {
    let x = sample(300)
    let result = try ResidualQuantizer.train(x, parameters: Parameters(sizes: [1], iterations: 5))
    expectClose(result.quantizer.codebooks.levels[0].centroids.elements, x.columnMeans(), tolerance: 1e-5)
    #expect(try result.quantizer.encode(x).codes.elements.allSatisfy { $0 == 0 })
  }

  @Test func oneRowIsItsOwnCentroid() throws {
    let x = sample(1)
    let result = try ResidualQuantizer.train(x, parameters: Parameters(sizes: [1, 1], iterations: 5))
    #expect(try result.quantizer.decode(result.quantizer.encode(x).codes) == x)
  }

  @Test func refusesWhatCannotBeTrainedOn() throws {
    func code(_ x: Matrix, _ parameters: Parameters, start: ResidualCodebooks? = nil) -> QuantizerError.Code? {
      do throws(QuantizerError) {
        _ = try ResidualQuantizer.train(x, parameters: parameters, startingFrom: start)
        return nil
      } catch { return error.code }
    }
    let x = sample(20)
    #expect(code(Matrix(rows: 0, columns: 4), Parameters(sizes: [2])) == .emptyInput)
    #expect(code(Matrix(rows: 4, columns: 0), Parameters(sizes: [2])) == .emptyInput)
    #expect(code(x, Parameters(sizes: [])) == .invalidParameters)
    #expect(code(x, Parameters(sizes: [2, 0])) == .invalidParameters)
    #expect(code(x, Parameters(sizes: [65_537])) == .invalidParameters)
    #expect(code(x, Parameters(sizes: [2], iterations: 0)) == .invalidParameters)
    #expect(code(x, Parameters(sizes: [2], sampleLimit: 0)) == .invalidParameters)
    #expect(code(x, Parameters(sizes: [2], capacitySlack: -1)) == .invalidParameters)
    let start = try ResidualCodebooks(levels: [Codebook(centroids: x.rows(0..<3))])
    #expect(code(x, Parameters(sizes: [2]), start: start) == .dimensionMismatch)
    var broken = x
    broken[13, 2] = -.infinity
    #expect(code(broken, Parameters(sizes: [2])) == .notFinite)
  }

  @Test func anErrorNamesTheRow() {
    var broken = sample(20)
    broken[13, 2] = .nan
    do throws(QuantizerError) {
      _ = try ResidualQuantizer.train(broken, parameters: Parameters(sizes: [2]))
      Issue.record("a NaN was trained on")
    } catch { #expect(error.description.contains("row 13")) }
  }

  @Test func theBenchmarkReportsTheKeysOfItsPeer() throws {
    let x = sample(400)
    let result = try ResidualBenchmark.run(x, levels: 2, size: 16, iterations: 3)
    #expect(result.rows == 400 && result.dimensions == 16 && result.levels == 2 && result.size == 16)
    #expect(result.meanSquaredError > 0 && result.peakBytes > 0 && result.fitSeconds >= 0 && result.encodeSeconds >= 0)
    let trained = try ResidualQuantizer.train(x, parameters: Parameters(sizes: [16, 16], iterations: 3))
    #expect(result.meanSquaredError == (try trained.quantizer.encode(x).meanSquaredError))
  }
}

func occupancy(_ codes: CodeMatrix, level: Int, size: Int) -> [Int] {
  codes.column(level).reduce(into: Array(repeating: 0, count: size)) { $0[Int($1)] += 1 }
}
