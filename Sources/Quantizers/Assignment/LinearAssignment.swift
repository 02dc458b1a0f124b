public import TensorMath

/// A minimum-cost assignment of rows to columns, each used at most once; `min(rows, columns)` pairs are made.
///
/// Shortest augmenting paths with dual potentials (Jonker and Volgenant, "A shortest augmenting path algorithm for
/// dense and sparse linear assignment problems", 1987), started from every row's cheapest column where it is free and,
/// where many rows contest columns, their augmenting row reduction. The result depends on the costs alone.
public struct LinearAssignment: Sendable, Equatable {
  /// The column of each row, or -1 for a row left over because there are more rows than columns.
  public let columnOfRow: ContiguousArray<Int>

  /// The sum of the chosen costs.
  public let cost: Double

  /// Solves for a dense cost matrix.
  ///
  /// - Parameter costs: rows × columns, finite; negative costs are fine.
  /// - Complexity: O(k²·n) with `k` the smaller and `n` the larger extent; memory for one copy of the costs at most.
  public init(_ costs: Matrix) {
    precondition(costs.elements.allSatisfy(\.isFinite), "an assignment needs finite costs")
    if costs.rows <= costs.columns {
      columnOfRow = Self.solveWide(costs)
    } else {
      let rowOfColumn = Self.solveWide(costs.transposed())
      var columns = ContiguousArray(repeating: -1, count: costs.rows)
      for (column, row) in rowOfColumn.enumerated() { columns[row] = column }
      columnOfRow = columns
    }
    var total = 0.0
    for (row, column) in columnOfRow.enumerated() where column >= 0 { total += Double(costs[row, column]) }
    cost = total
  }

  /// Rows without a column from which the row reduction pays.
  private static let reductionThreshold = 8

  /// Solves where every row finds a column.
  private static func solveWide(_ costs: Matrix) -> ContiguousArray<Int> {
    var solver = AugmentingPathSolver(rows: costs.rows, columns: costs.columns)
    let span = costs.elements.span
    var unassigned = solver.assignCheapestColumns(span)
    if unassigned.count >= reductionThreshold { unassigned = solver.reduceRows(unassigned, span) }
    for row in unassigned { solver.augment(from: row, span) }
    return solver.columnOfRow
  }
}

/// The state of the search: a partial assignment that is optimal for the rows it covers, with its dual potentials.
private struct AugmentingPathSolver {
  let rows: Int
  let columns: Int
  private(set) var columnOfRow: ContiguousArray<Int>
  private var rowOfColumn: ContiguousArray<Int>
  private var rowPotential: ContiguousArray<Double>
  private var columnPotential: ContiguousArray<Double>
  // Scratch of one search: tentative distances, the row before each column, and the columns in two parts, those
  // still open first and those already reached behind them.
  private var distance: ContiguousArray<Double>
  private var predecessor: ContiguousArray<Int>
  private var order: ContiguousArray<Int>

  init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    columnOfRow = ContiguousArray(repeating: -1, count: rows)
    rowOfColumn = ContiguousArray(repeating: -1, count: columns)
    rowPotential = ContiguousArray(repeating: 0, count: rows)
    columnPotential = ContiguousArray(repeating: 0, count: columns)
    distance = ContiguousArray(repeating: 0, count: columns)
    predecessor = ContiguousArray(repeating: -1, count: columns)
    order = ContiguousArray(0..<columns)
  }

  /// Gives each row its cheapest column where no earlier row took it, and returns the rows that got none.
  mutating func assignCheapestColumns(_ costs: Span<Float>) -> [Int] {
    var unassigned: [Int] = []
    for row in 0..<rows {
      var best = 0
      var least = costs[row * columns]
      for column in 1..<max(1, columns) {
        // Within bounds: the solver was made for costs of rows × columns.
        let cost = unsafe costs[unchecked: row * columns + column]
        if cost < least { (least, best) = (cost, column) }
      }
      rowPotential[row] = Double(least)
      if rowOfColumn[best] < 0 {
        rowOfColumn[best] = row
        columnOfRow[row] = best
      } else {
        unassigned.append(row)
      }
    }
    return unassigned
  }

  /// Augmenting row reduction: each row takes its cheapest column at a price that makes it as dear as the second
  /// cheapest, and a row driven out bids at once. Returns the rows left without a column after two rounds.
  mutating func reduceRows(_ unassigned: [Int], _ costs: Span<Float>) -> [Int] {
    var pending = unassigned
    for _ in 0..<2 {
      var left: [Int] = []
      var next = 0
      // Rounding could keep two rows outbidding each other by nothing.
      var steps = 4 * rows + 64
      while next < pending.count {
        let row = pending[next]
        next += 1
        steps -= 1
        if steps < 0 {
          left.append(row)
          continue
        }
        let bid = cheapestTwo(row, costs)
        let isStrict = bid.first < bid.second
        let column = isStrict || rowOfColumn[bid.column] < 0 ? bid.column : bid.otherColumn
        if isStrict { columnPotential[column] -= bid.second - bid.first }
        rowPotential[row] = bid.second
        let driven = rowOfColumn[column]
        rowOfColumn[column] = row
        columnOfRow[row] = column
        guard driven >= 0 else { continue }
        columnOfRow[driven] = -1
        if isStrict {
          next -= 1
          pending[next] = driven
        } else {
          left.append(driven)
        }
      }
      pending = left
    }
    return pending
  }

  /// The two least reduced costs of a row and their columns.
  private func cheapestTwo(
    _ row: Int, _ costs: Span<Float>
  ) -> (first: Double, column: Int, second: Double, otherColumn: Int) {
    let potentials = columnPotential.span
    let offset = row * columns
    var (first, column, second, otherColumn) = (Double.infinity, 0, Double.infinity, 0)
    for candidate in 0..<columns {
      // Within bounds: costs are rows × columns, potentials columns.
      let reduced = unsafe Double(costs[unchecked: offset + candidate]) - potentials[unchecked: candidate]
      guard reduced < second else { continue }
      if reduced < first {
        (second, otherColumn) = (first, column)
        (first, column) = (reduced, candidate)
      } else {
        (second, otherColumn) = (reduced, candidate)
      }
    }
    return columns > 1 ? (first, column, second, otherColumn) : (first, column, first, column)
  }

  /// Adds one row by the cheapest alternating path to a free column (Dijkstra on reduced costs).
  mutating func augment(from start: Int, _ costs: Span<Float>) {
    for column in 0..<columns {
      order[column] = column
      distance[column] = .infinity
    }
    var open = columns
    var row = start
    var lowest = 0.0
    var sink = -1
    while sink < 0 {
      let position = relax(row, from: lowest, open: open, costs)
      let column = order[position]
      lowest = distance[column]
      if rowOfColumn[column] < 0 { sink = column } else { row = rowOfColumn[column] }
      open -= 1
      order.swapAt(position, open)
    }
    updatePotentials(start: start, lowest: lowest, reached: open + 1..<columns)
    flip(from: start, to: sink)
  }

  /// Offers every open column the path through `row` and returns the position of the nearest open column, a free
  /// one where distances tie.
  private mutating func relax(_ row: Int, from lowest: Double, open: Int, _ costs: Span<Float>) -> Int {
    let offset = row * columns
    let position = relaxColumns(
      order, open: open, row: row, base: lowest - rowPotential[row],
      costs: costs.extracting(offset..<offset + columns), columnPotential: columnPotential, rowOfColumn: rowOfColumn,
      distance: &distance, predecessor: &predecessor)
    precondition(position >= 0, "every open column is reachable while costs are finite")
    return position
  }

  /// Keeps reduced costs non-negative, and zero along the assignment. The last column reached, the sink, stands
  /// just before `reached` and keeps its potential.
  private mutating func updatePotentials(start: Int, lowest: Double, reached: Range<Int>) {
    rowPotential[start] += lowest
    for position in reached {
      let column = order[position]
      let slack = lowest - distance[column]
      rowPotential[rowOfColumn[column]] += slack
      columnPotential[column] -= slack
    }
  }

  private mutating func flip(from start: Int, to sink: Int) {
    var column = sink
    while true {
      let row = predecessor[column]
      rowOfColumn[column] = row
      let previous = columnOfRow[row]
      columnOfRow[row] = column
      guard row != start else { return }
      column = previous
    }
  }
}

/// The inner loop of the search, over the columns that are still open; returns the position of the nearest in `order`.
private func relaxColumns(
  _ order: ContiguousArray<Int>, open: Int, row: Int, base: Double, costs: Span<Float>,
  columnPotential: ContiguousArray<Double>, rowOfColumn: ContiguousArray<Int>,
  distance: inout ContiguousArray<Double>, predecessor: inout ContiguousArray<Int>
) -> Int {
  let order = order.span, potentials = columnPotential.span, assigned = rowOfColumn.span
  var distances = distance.mutableSpan
  var predecessors = predecessor.mutableSpan
  var nearest = Double.infinity
  var position = -1
  var isFree = false
  for candidate in 0..<open {
    // Within bounds: `order` is part of a permutation of the columns; all the others have one element per column.
    let column = unsafe order[unchecked: candidate]
    let reduced = unsafe base + Double(costs[unchecked: column]) - potentials[unchecked: column]
    var reach = unsafe distances[unchecked: column]
    if reduced < reach {
      reach = reduced
      unsafe distances[unchecked: column] = reduced
      unsafe predecessors[unchecked: column] = row
    }
    guard reach <= nearest else { continue }
    let free = unsafe assigned[unchecked: column] < 0
    if reach < nearest || (free && !isFree) { (nearest, position, isFree) = (reach, candidate, free) }
  }
  return position
}

extension Matrix {
  fileprivate func transposed() -> Matrix {
    var result = Matrix(rows: columns, columns: rows)
    for row in 0..<rows {
      for column in 0..<columns { result.elements[column * rows + row] = elements[row * columns + column] }
    }
    return result
  }
}
