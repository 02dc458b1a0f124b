import Foundation
import Quantizers
import TensorMath
import Testing

/// Random items over small codebooks: codes, costs of the last level consistent with them, some rows fixed.
struct CollisionCase: Sendable {
  var codes: CodeMatrix
  let squared: Matrix
  var fixed: FixedRows
  var distances: ContiguousArray<Float> = []

  init(items: Int, prefixes: Int, size: Int, fixedShare: Double, _ source: inout RandomSource) {
    codes = CodeMatrix(count: items, levels: 2)
    var squared = Matrix(rows: items, columns: size)
    for row in 0..<items {
      codes[row, 0] = UInt16.random(in: 0..<UInt16(prefixes), using: &source)
      for code in 0..<size { squared[row, code] = source.nextUniform() * 4 }
      let own = (0..<size).min { squared[row, $0] < squared[row, $1] } ?? 0
      codes[row, 1] = UInt16(own)
      distances.append(squared[row, own].squareRoot())
    }
    self.squared = squared
    var isFixed = ContiguousArray<Bool>(), suffixes = ContiguousArray<UInt16>()
    var held: [[UInt16]: UInt16] = [:]
    for row in 0..<items {
      isFixed.append(Double(source.nextUniform()) < fixedShare)
      let key = Array(codes.row(row))
      suffixes.append(isFixed[row] ? held[key, default: 0] : 0)
      if isFixed[row] { held[key, default: 0] += UInt16.random(in: 1...2, using: &source) }
    }
    fixed = FixedRows(isFixed: isFixed, suffixes: suffixes)
  }

  var lastLevel: LastLevelDistances {
    let squared = squared
    return LastLevelDistances(size: squared.columns) { squared.selectingRows($0) }
  }

  func resolve(_ parameters: CollisionResolver.Parameters) throws -> ResolvedCodes {
    try CollisionResolver(parameters).resolve(codes: codes, distances: distances, fixed: fixed, lastLevel: lastLevel)
  }

  func expectFixedRowsUntouched(_ resolved: ResolvedCodes) {
    for row in 0..<codes.count where fixed.isFixed[row] {
      #expect(resolved.codes.row(row) == codes.row(row) && resolved.suffixes[row] == fixed.suffixes[row])
      #expect(!resolved.moved[row])
    }
  }
}

func uniqueIDs(_ resolved: ResolvedCodes) -> Int {
  Set((0..<resolved.codes.count).map { Array(resolved.codes.row($0)) + [resolved.suffixes[$0]] }).count
}

@Suite struct SuffixPolicyTests {
  @Test func makesIDsUniqueAndLeavesCodesAndFixedItemsAlone() throws {
    var source = RandomSource(seed: 1)
    for trial in 0..<30 {
      let sample = CollisionCase(items: 120, prefixes: 3, size: 8, fixedShare: Double(trial % 3) * 0.4, &source)
      let resolved = try sample.resolve(.init(policy: .suffix))
      #expect(resolved.codes == sample.codes)
      #expect(uniqueIDs(resolved) == 120)
      sample.expectFixedRowsUntouched(resolved)
      #expect(resolved.report.sharedIDItems == 0 && resolved.report.movedItems == 0)
      #expect(resolved.report.suffixedItems == resolved.suffixes.count { $0 > 0 })
    }
  }

  @Test func givesTheLowestFreeSuffixToTheNearestThenTheLowestRow() throws {
    let codes = CodeMatrix(count: 6, levels: 1, elements: [4, 4, 4, 4, 4, 4])
    let fixed = FixedRows(isFixed: [false, true, false, true, false, false], suffixes: [0, 0, 0, 2, 0, 0])
    let resolver = try CollisionResolver(.init(policy: .suffix))
    let resolved = try resolver.resolve(codes: codes, distances: [3, 9, 1, 9, 2, 2], fixed: fixed)
    #expect(resolved.suffixes == [5, 0, 1, 2, 3, 4])
  }

  @Test func aFullSuffixNamesTheBucketAndTheSetting() throws {
    let codes = CodeMatrix(count: 4, levels: 2, elements: [7, 9, 7, 9, 7, 9, 7, 9])
    let resolver = try CollisionResolver(.init(policy: .suffix, suffixCapacity: 3))
    let error = #expect(throws: QuantizerError.self) {
      try resolver.resolve(codes: codes, distances: [0, 0, 0, 0], fixed: .none(count: 4))
    }
    #expect(error?.code == .capacityExceeded)
    #expect(error?.message.contains("7-9") == true && error?.message.contains("suffixCapacity") == true)
    let roomy = try CollisionResolver(.init(policy: .suffix, suffixCapacity: 4))
    #expect(try roomy.resolve(codes: codes, distances: [0, 0, 0, 0], fixed: .none(count: 4)).suffixes == [0, 1, 2, 3])
  }

  @Test func secondNightKeepsTheFirstNightsSuffixes() throws {
    var source = RandomSource(seed: 5)
    var sample = CollisionCase(items: 90, prefixes: 2, size: 4, fixedShare: 0, &source)
    let first = try sample.resolve(.init(policy: .suffix))
    let isFixed = ContiguousArray((0..<90).map { $0 % 7 != 0 })
    sample.fixed = FixedRows(isFixed: isFixed, suffixes: first.suffixes)
    let second = try sample.resolve(.init(policy: .suffix))
    sample.expectFixedRowsUntouched(second)
    #expect(uniqueIDs(second) == 90)
  }

  @Test func keepLetsItemsShareAndSaysSo() throws {
    let codes = CodeMatrix(count: 4, levels: 1, elements: [1, 1, 2, 3])
    let resolved = try CollisionResolver(.init(policy: .keep)).resolve(
      codes: codes, distances: [0, 0, 0, 0], fixed: .none(count: 4))
    #expect(resolved.codes == codes && resolved.suffixes == [0, 0, 0, 0])
    #expect(resolved.report.sharedIDItems == 2 && resolved.report.before == resolved.report.after)
  }

  @Test func refusesSettingsThatMeanNothing() {
    #expect(throws: QuantizerError.self) { try CollisionResolver(.init(policy: .suffix, suffixCapacity: 0)) }
    #expect(throws: QuantizerError.self) { try CollisionResolver(.init(policy: .suffix, suffixCapacity: 65_537)) }
    #expect(throws: QuantizerError.self) { try CollisionResolver(.init(policy: .relocate, distanceBudget: 0.5)) }
    #expect(throws: QuantizerError.self) { try CollisionResolver(.init(policy: .relocate, distanceBudget: .nan)) }
    #expect(throws: QuantizerError.self) {
      try CollisionResolver(.init(policy: .relocate)).resolve(
        codes: CodeMatrix(count: 0, levels: 1), distances: [], fixed: .none(count: 0))
    }
  }
}
