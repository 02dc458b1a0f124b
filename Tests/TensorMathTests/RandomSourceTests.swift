import TensorMath
import TestSupport
import Testing

/// The generator against the numbers of its authors' program, and what is drawn with it against what was asked for.
@Suite struct RandomSourceTests {
  /// The first outputs of xoshiro256** from the state 1, 2, 3, 4.
  @Test func numbersAreThoseOfTheReference() throws {
    var random = try #require(RandomSource(words: [1, 2, 3, 4]))
    let expected: [UInt64] = [
      11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360, 607_988_272_756_665_600,
      16_172_922_978_634_559_625, 8_476_171_486_693_032_832, 10_595_114_339_597_558_777, 2_904_607_092_377_533_576,
    ]
    #expect(expected.map { _ in random.next() } == expected)
  }

  /// A seed is spread over the state by SplitMix64, whose outputs for this seed are published.
  @Test func aSeedIsSpreadOverTheState() {
    #expect(
      RandomSource(seed: 1_234_567).words == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
      ])
    #expect(RandomSource(seed: 0).words.contains { $0 != 0 })
  }

  @Test func streamsOfOneSeedDiffer() {
    let states = (0..<1000 as Range<UInt64>).map { RandomSource(seed: 5, stream: $0).words }
    #expect(Set(states).count == 1000)
    #expect(!states.contains(RandomSource(seed: 5).words))
    #expect(RandomSource(seed: 5, stream: 3) == RandomSource(seed: 5, stream: 3))
    #expect(RandomSource(seed: 6, stream: 3) != RandomSource(seed: 5, stream: 3))
    // The largest number of a stream is one too.
    #expect(RandomSource(seed: 5, stream: .max) == RandomSource(seed: 5))
  }

  @Test func uniformNumbersFillTheIntervalAndStayBelowOne() {
    var random = RandomSource(seed: 3)
    var counts = [Int](repeating: 0, count: 16)
    for _ in 0..<32_000 {
      let value = random.nextUniform()
      #expect(value >= 0 && value < 1)
      counts[Int(value * 16)] += 1
    }
    // Chi-squared with 15 degrees of freedom: beyond 45 in one of ten thousand.
    let chi = counts.reduce(0) { $0 + Double(($1 - 2000) * ($1 - 2000)) / 2000 }
    #expect(chi < 45)
  }

  @Test func normalNumbersHaveTheMomentsOfTheirDistribution() {
    var random = RandomSource(seed: 4)
    let values = (0..<40_000).map { _ in Double(random.nextNormal()) }
    func moment(_ power: Int) -> Double {
      values.reduce(0) { sum, value in sum + (0..<power).reduce(1.0) { product, _ in product * value } } / 40_000
    }
    #expect(abs(moment(1)) < 0.02 && abs(moment(2) - 1) < 0.03 && abs(moment(3)) < 0.06 && abs(moment(4) - 3) < 0.2)
    #expect(values.allSatisfy { $0.isFinite && abs($0) < 9 })
    let correlation = zip(values, values.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / 40_000
    #expect(abs(correlation) < 0.02)
  }
}

/// How loops are cut for threads.
@Suite struct ParallelismTests {
  @Test func chunksCoverEveryElementOnceWhateverTheThreads() {
    var random = RandomSource(seed: 7)
    for _ in 0..<60 {
      let count = Int.random(in: 0...500, using: &random), size = Int.random(in: 1...60, using: &random)
      var cuts: [[Range<Int>]] = []
      for threads in [1, 2, 7] {
        cuts.append(withThreads(threads) { Parallelism.mapChunks(of: count, size: size) { $0 } })
      }
      #expect(cuts[0] == cuts[1] && cuts[1] == cuts[2], "the cut does not depend on the threads")
      #expect(cuts[0].flatMap { Array($0) } == Array(0..<count))
      #expect(cuts[0].dropLast().allSatisfy { $0.count == size })
      let last = cuts[0].last?.count ?? 1
      #expect(last >= 1 && last <= size)
    }
  }

  @Test func thereIsAlwaysAThread() {
    #expect(withThreads(0) { Parallelism.threadCount } == 1)
    #expect(withThreads(-5) { Parallelism.threadCount } == 1)
    #expect(withThreads(3) { Parallelism.threadCount } == 3)
    #expect(Parallelism.availableCores >= 1)
  }

  /// A loop within a loop ends, and gives what it gives alone.
  @Test func loopsMayStandInLoops() {
    let sums = withThreads(3) {
      Parallelism.mapChunks(of: 12, size: 2) { outer in
        Parallelism.mapChunks(of: 100, size: 9) { $0.reduce(outer.lowerBound, +) }.reduce(0, +)
      }
    }
    #expect(sums == (0..<6).map { 4950 + 12 * 2 * $0 })
  }
}
