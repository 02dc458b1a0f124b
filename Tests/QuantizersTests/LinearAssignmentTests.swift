import Quantizers
import TensorMath
import Testing

private func randomCosts(_ rows: Int, _ columns: Int, integers: Bool, _ source: inout RandomSource) -> Matrix {
  Matrix(
    rows: rows, columns: columns,
    elements: ContiguousArray(
      (0..<rows * columns).map { _ in
        integers ? Float(Int.random(in: -2...2, using: &source)) : source.nextNormal()
      }))
}

/// The least cost over every way to pair the smaller side with the larger.
private func exhaustiveCost(_ costs: Matrix) -> Double {
  func least(_ row: Int, _ used: Set<Int>, _ skips: Int) -> Double {
    guard row < costs.rows else { return 0 }
    var best = skips > 0 ? least(row + 1, used, skips - 1) : Double.infinity
    for column in 0..<costs.columns where !used.contains(column) {
      best = min(best, Double(costs[row, column]) + least(row + 1, used.union([column]), skips))
    }
    return best
  }
  return least(0, [], max(0, costs.rows - costs.columns))
}

/// The least cost by another algorithm: successive cheapest paths through the residual graph, each found by
/// Bellman and Ford's relaxation without potentials.
private func minimumCostFlow(_ costs: Matrix) -> Double {
  var rowOfColumn = [Int](repeating: -1, count: costs.columns)
  var isAssigned = [Bool](repeating: false, count: costs.rows)
  var total = 0.0
  for _ in 0..<min(costs.rows, costs.columns) {
    var rowDistance = (0..<costs.rows).map { isAssigned[$0] ? Double.infinity : 0 }
    var columnDistance = [Double](repeating: .infinity, count: costs.columns)
    var before = [Int](repeating: -1, count: costs.columns)
    var changes = true
    while changes {
      changes = false
      for row in 0..<costs.rows where rowDistance[row] < .infinity {
        for column in 0..<costs.columns where rowOfColumn[column] != row {
          let reach = rowDistance[row] + Double(costs[row, column])
          guard reach < columnDistance[column] - 1e-9 else { continue }
          (columnDistance[column], before[column], changes) = (reach, row, true)
          let owner = rowOfColumn[column]
          if owner >= 0 { rowDistance[owner] = reach - Double(costs[owner, column]) }
        }
      }
    }
    let free = (0..<costs.columns).filter { rowOfColumn[$0] < 0 }
    var column = free.min { columnDistance[$0] < columnDistance[$1] } ?? 0
    total += columnDistance[column]
    while column >= 0 {
      let row = before[column]
      let next = rowOfColumn.firstIndex(of: row) ?? -1
      rowOfColumn[column] = row
      isAssigned[row] = true
      column = next
    }
  }
  return total
}

@Suite struct LinearAssignmentTests {
  @Test(arguments: [(30, 30), (25, 40), (40, 25), (60, 61), (50, 9)], [0, 1, 2])
  func agreesWithMinimumCostFlowWhereManyRowsContest(shape: (Int, Int), kind: Int) {
    var source = RandomSource(seed: UInt64(shape.0 * 100 + shape.1), stream: UInt64(kind))
    for _ in 0..<4 {
      var costs = randomCosts(shape.0, shape.1, integers: kind == 1, &source)
      if kind == 2 {
        // Rows alike but for a little, so that all of them want the same columns.
        for row in 0..<shape.0 {
          for column in 0..<shape.1 { costs[row, column] = Float(column * column) + 0.01 * costs[row, column] }
        }
      }
      let assignment = LinearAssignment(costs)
      #expect(abs(assignment.cost - minimumCostFlow(costs)) < 1e-3)
      let used = assignment.columnOfRow.filter { $0 >= 0 }
      #expect(Set(used).count == used.count && used.count == min(shape.0, shape.1))
    }
  }

  @Test(arguments: [(1, 1), (2, 2), (3, 5), (5, 3), (6, 6), (4, 7), (7, 4)])
  func findsTheLeastCostOfAllAssignments(rows: Int, columns: Int) {
    var source = RandomSource(seed: UInt64(rows * 10 + columns))
    for trial in 0..<40 {
      let costs = randomCosts(rows, columns, integers: trial % 2 == 0, &source)
      let assignment = LinearAssignment(costs)
      #expect(abs(assignment.cost - exhaustiveCost(costs)) < 1e-5)
      let used = assignment.columnOfRow.filter { $0 >= 0 }
      #expect(used.count == min(rows, columns))
      #expect(Set(used).count == used.count)
    }
  }

  @Test func keepsEveryRowOnItsOwnCheapestColumnWhereTheyDiffer() {
    var costs = Matrix(rows: 50, columns: 80)
    for row in 0..<50 { for column in 0..<80 { costs[row, column] = column == (row * 7) % 80 ? 0 : 1 } }
    let assignment = LinearAssignment(costs)
    #expect(assignment.cost == 0)
    #expect(Array(assignment.columnOfRow) == (0..<50).map { ($0 * 7) % 80 })
  }

  @Test func isNoWorseThanGreedyAndCannotBeImprovedBySwaps() {
    var source = RandomSource(seed: 3)
    let costs = randomCosts(120, 150, integers: false, &source)
    let chosen = LinearAssignment(costs)
    var free = Set(0..<150)
    var greedy = 0.0
    for row in 0..<120 {
      let column = free.min { (costs[row, $0], $0) < (costs[row, $1], $1) } ?? 0
      free.remove(column)
      greedy += Double(costs[row, column])
    }
    #expect(chosen.cost <= greedy)
    for row in 0..<120 {
      for other in 0..<row {
        let (a, b) = (chosen.columnOfRow[row], chosen.columnOfRow[other])
        #expect(costs[row, a] + costs[other, b] <= costs[row, b] + costs[other, a] + 1e-5)
      }
    }
  }

  @Test func givesEarlierRowsTheContestedColumnWhenCostsTie() {
    let costs = Matrix(rows: 3, columns: 3, elements: [0, 1, 2, 0, 1, 2, 0, 1, 2])
    #expect(LinearAssignment(costs).columnOfRow == [0, 1, 2])
  }

  @Test func leavesRowsOverWhenThereAreTooFewColumns() {
    let costs = Matrix(rows: 3, columns: 1, elements: [2, 1, 3])
    #expect(LinearAssignment(costs).columnOfRow == [-1, 0, -1])
    #expect(LinearAssignment(Matrix(rows: 2, columns: 0)).columnOfRow == [-1, -1])
    #expect(LinearAssignment(Matrix(rows: 0, columns: 4)).columnOfRow.isEmpty)
  }

  @Test func solvesAThousandRowsOfClusteredCosts() {
    // Squared differences on a line: the optimum is the sorted order, known without a solver.
    var source = RandomSource(seed: 9)
    let left = (0..<1000).map { _ in source.nextUniform() }, right = (0..<1000).map { _ in source.nextUniform() }
    var costs = Matrix(rows: 1000, columns: 1000)
    for row in 0..<1000 {
      for column in 0..<1000 { costs[row, column] = (left[row] - right[column]) * (left[row] - right[column]) }
    }
    let expected = zip(left.sorted(), right.sorted()).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    #expect(abs(LinearAssignment(costs).cost - expected) < 1e-6)
  }
}
