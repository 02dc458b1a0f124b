import ItemCatalog
import ItemEncoders
import TensorMath
import TestSupport
import Testing

@Suite struct FeatureCounterTests {
  /// A dictionary and an order of first occurrence: what the counter stands for.
  private struct Reference {
    var order: [UInt64] = []
    var counts: [UInt64: Int32] = [:]

    mutating func add(_ hash: UInt64, _ family: FeatureFamily, count: Int32) {
      let feature = hash & ~3 | family.rawValue
      if counts[feature] == nil { order.append(feature) }
      counts[feature, default: 0] += count
    }
  }

  @Test(arguments: [1, 10, 300, 5000])
  func countsLikeADictionaryAndKeepsTheOrder(distinct: Int) {
    var random = RandomSource(seed: UInt64(distinct))
    var counter = FeatureCounter()
    // Hashes that agree in the bits that choose a slot, so that they collide.
    let hashes = (0..<distinct).map { UInt64($0) << 40 | UInt64($0 % 3) << 8 }
    for _ in 0..<4 {
      counter.removeAll()
      var reference = Reference()
      for _ in 0..<distinct * 3 {
        let hash = hashes.randomElement(using: &random)!
        let family = FeatureFamily.allCases.randomElement(using: &random)!
        let count = Int32.random(in: 1...3, using: &random)
        counter.add(hash, family, count: count)
        reference.add(hash, family, count: count)
      }
      #expect(Array(counter.features) == reference.order)
      #expect(Array(counter.counts) == reference.order.map { reference.counts[$0]! })
    }
  }

  @Test func removingAllLeavesNothingBehind() {
    var counter = FeatureCounter()
    for round in 0..<50 {
      for feature in 0..<round * 40 { counter.add(FeatureHash.mixed(UInt64(feature)), .word, count: 1) }
      #expect(counter.features.count == round * 40)
      counter.removeAll()
      #expect(counter.features.isEmpty && counter.counts.isEmpty)
      counter.add(FeatureHash.mixed(7), .word, count: 2)
      #expect(Array(counter.counts) == [2])
      counter.removeAll()
    }
  }

  @Test func mixingSpreadsNeighboringHashesOverBuckets() {
    var buckets = [Int](repeating: 0, count: 64)
    for value in 0..<64_000 { buckets[Int(FeatureHash.mixed(UInt64(value)) >> 58)] += 1 }
    #expect(buckets.min()! > 850 && buckets.max()! < 1150)
  }
}

@Suite struct TextFeatureExtractorTests {
  private func hash(_ word: String, basis: UInt64 = FeatureHash.basis) -> UInt64 {
    FeatureHash.mixed(word.unicodeScalars.reduce(basis) { FeatureHash.appending($1.value, to: $0) })
  }

  private func counts(_ item: Item, _ change: (inout BuiltinTextEncoder.Parameters) -> Void = { _ in }) -> [UInt64:
    Int32]
  {
    var parameters = BuiltinTextEncoder.Parameters()
    change(&parameters)
    var extractor = TextFeatureExtractor(parameters: parameters)
    _ = extractor.extract(item)
    return Dictionary(uniqueKeysWithValues: zip(extractor.counter.features, extractor.counter.counts))
  }

  private func feature(_ hash: UInt64, _ family: FeatureFamily) -> UInt64 { hash & ~3 | family.rawValue }

  @Test func wordsPairsAndCharactersAreCounted() {
    let counts = counts(Item(id: "1", text: "red lamp Red lamp"))
    let red = hash("red"), lamp = hash("lamp")
    #expect(counts[feature(red, .word)] == 2 && counts[feature(lamp, .word)] == 2)
    let step: UInt64 = 0x9E37_79B9_7F4A_7C15
    #expect(counts[feature(FeatureHash.mixed(red &* step &+ lamp), .wordPair)] == 2)
    #expect(counts[feature(FeatureHash.mixed(lamp &* step &+ red), .wordPair)] == 1)
    let grams = ["\u{2}re", "red", "ed\u{3}", "\u{2}red", "red\u{3}", "\u{2}red\u{3}"]
    for gram in grams {
      #expect(counts[feature(hash(gram, basis: FeatureHash.basis &+ 1), .characters)] == 2, "\(gram)")
    }
    // "lamp" between its marks has 4 grams of three, 3 of four and 2 of five.
    #expect(counts.count == 2 + 2 + grams.count + 9)
  }

  @Test func pairsDoNotReachFromTheTitleIntoTheText() {
    let together = counts(Item(id: "1", text: "red lamp"))
    let apart = counts(Item(id: "1", title: "lamp", text: "red"))
    #expect(together.keys.count { $0 & 3 == FeatureFamily.wordPair.rawValue } == 1)
    #expect(apart.keys.count { $0 & 3 == FeatureFamily.wordPair.rawValue } == 0)
  }

  @Test(arguments: [0, 1, 5])
  func theTitleCountsAsOftenAsItsWeightSays(weight: Int) {
    let counts = counts(Item(id: "1", title: "lamp", text: "a lamp")) { $0.titleWeight = weight }
    #expect(counts[feature(hash("lamp"), .word)] == Int32(1 + weight))
  }

  @Test func anArabicWordCountsWithAndWithoutItsAffixes() {
    let counts = counts(Item(id: "1", text: "والكتاب"))
    #expect(counts[feature(hash("والكتاب"), .word)] == 1)
    #expect(counts[feature(hash("كتاب"), .word)] == 1)
    let plain = self.counts(Item(id: "1", text: "كتاب"))
    #expect(plain[feature(hash("كتاب"), .word)] == 1 && plain.keys.count { $0 & 3 == 0 } == 1)
  }

  @Test func ideographsAreWordsOfTheirOwnWithoutCharacterGrams() {
    let counts = counts(Item(id: "1", text: "日本語"))
    #expect(counts.keys.count { $0 & 3 == FeatureFamily.word.rawValue } == 3)
    #expect(counts.keys.count { $0 & 3 == FeatureFamily.wordPair.rawValue } == 2)
    #expect(counts.keys.count { $0 & 3 == FeatureFamily.characters.rawValue } == 0)
  }

  @Test func wordsBeyondTheLimitDoNotCount() {
    let long = Item(id: "1", text: (0..<100).map { "word\($0)" }.joined(separator: " "))
    let counts = counts(long) { $0.maximumWords = 10 }
    #expect(counts.keys.count { $0 & 3 == FeatureFamily.word.rawValue } == 10)
    #expect(counts[feature(hash("word9"), .word)] == 1 && counts[feature(hash("word10"), .word)] == nil)
  }

  @Test func theTemplateDecidesWhatIsRead() throws {
    let item = Item(id: "1", title: "lamp", text: "red", attributes: ["brand": .string("Lux")])
    let template = try TextTemplate("{attributes.brand}")
    let counts = counts(item) {
      $0.template = template
      $0.titleWeight = 0
    }
    #expect(counts[feature(hash("lux"), .word)] == 1 && counts[feature(hash("red"), .word)] == nil)
  }
}
