import Foundation
import Recommenders
import TensorMath
import Testing

@Suite struct RankerMetricsTests {
  private func split(seed: UInt64) throws -> RankingSplit {
    var random = RandomSource(seed: seed)
    let events = (0..<800).map { index in
      RankingSplit.Event(
        user: Int32.random(in: 0..<25, using: &random), item: UInt32.random(in: 0..<20, using: &random),
        time: Double(index), label: random.nextUniform() < 0.4 ? 1 : 0)
    }
    return try RankingSplit(events, userCount: 25, itemCount: 20)
  }

  private func logits(_ count: Int) -> ContiguousArray<Float> {
    var random = RandomSource(seed: 9)
    return ContiguousArray((0..<count).map { _ in Float(Int.random(in: -8...8, using: &random)) / 4 })
  }

  @Test func meansOverUsersAreOverThoseWithBothKinds() throws {
    let examples = try split(seed: 2).test, logits = logits(examples.count)
    let metrics = RankerMetrics(logits, examples, selection: Array(0..<examples.count))
    var areas: [(area: Double, count: Int)] = []
    for user in 0..<25 as Range<Int32> {
      let own = (0..<examples.count).filter { examples.users[$0] == user }
      if let area = AreaUnderCurve.measure(own.map { logits[$0] }, labels: own.map { examples.labels[$0] }) {
        areas.append((area, own.count))
      }
    }
    #expect(metrics.users == areas.count && metrics.examples == examples.count)
    #expect(metrics.auc == AreaUnderCurve.measure(logits, labels: examples.labels))
    #expect(abs(try #require(metrics.uauc) - areas.map(\.area).reduce(0, +) / Double(areas.count)) < 1e-12)
    let weighted = areas.map { $0.area * Double($0.count) }.reduce(0, +) / Double(areas.map(\.count).reduce(0, +))
    #expect(abs(try #require(metrics.gauc) - weighted) < 1e-12)
    let losses = (0..<examples.count).map { index in
      let p = 1 / (1 + exp(-Double(logits[index])))
      return -log(examples.labels[index] == 1 ? p : 1 - p)
    }
    #expect(abs(metrics.logLoss - losses.reduce(0, +) / Double(losses.count)) < 1e-9)
  }

  @Test func noExampleHasNoFigure() throws {
    let examples = try split(seed: 2).test
    let metrics = RankerMetrics(logits(examples.count), examples, selection: [])
    #expect(metrics.auc == nil && metrics.uauc == nil && metrics.gauc == nil && metrics.logLoss == 0)
  }

  @Test func slicesAreByTrainingExamplesAndHistories() throws {
    let split = try split(seed: 3), counts = split.training.countsByItem()
    var limits = RankerResult.Limits()
    (limits.coldItemExamples, limits.longTailHistory) = (Int(counts.sorted()[8]), 9)
    let logits = logits(split.test.count)
    let result = RankerResult("A", logits: logits, of: split.test, trainingCounts: counts, limits: limits)
    let cold = (0..<split.test.count).filter { Int(counts[Int(split.test.items[$0])]) <= limits.coldItemExamples }
    let tail = (0..<split.test.count).filter { split.test.history(of: $0).count <= 9 }
    #expect(!cold.isEmpty && !tail.isEmpty && cold.count < split.test.count)
    #expect(result[.coldItems] == RankerMetrics(logits, split.test, selection: cold))
    #expect(result[.longTailUsers] == RankerMetrics(logits, split.test, selection: tail))
    #expect(result[.all]?.examples == split.test.count)
  }

  @Test func aTableHoldsMeansOverSeeds() throws {
    let split = try split(seed: 3), counts = split.training.countsByItem()
    func result(_ name: String, _ factor: Float) -> RankerResult {
      let logits = ContiguousArray(logits(split.test.count).map { abs($0 * factor - 1) })
      return RankerResult(name, logits: logits, of: split.test, trainingCounts: counts)
    }
    let results = [result("A", 1), result("B", 1), result("A", -0.5)]
    let table = try RankerTable(results)
    #expect(table.rows.map(\.name) == ["A", "B"] && table.rows.map(\.runs) == [2, 1])
    let areas = try [results[0], results[2]].map { try #require($0[.all]?.auc) }
    #expect(table.rows[0][.all]?.auc == EvaluationTable.Estimate(areas))
    let text = table.plainText()
    #expect(text.contains("all examples, \(split.test.count) examples") && text.contains("±") && text.contains("GAUC"))
    #expect(!text.contains("cold items"))
    #expect(try JSONDecoder().decode(RankerTable.self, from: try JSONEncoder().encode(table)) == table)
  }

  @Test func resultsOnOtherExamplesAreNotComparable() throws {
    let first = try split(seed: 3), second = try split(seed: 4)
    let counts = first.training.countsByItem()
    let a = RankerResult("A", logits: logits(first.test.count), of: first.test, trainingCounts: counts)
    let b = RankerResult("B", logits: logits(second.training.count), of: second.training, trainingCounts: counts)
    let error = #expect(throws: RecommenderError.self) { try RankerTable([a, b]) }
    #expect(error?.code == .invalidParameter)
    #expect(throws: RecommenderError.self) { try RankerTable([]) }
  }
}
