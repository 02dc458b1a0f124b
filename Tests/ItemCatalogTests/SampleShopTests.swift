import Foundation
import ItemCatalog
import Testing

@Suite struct SampleShopTests {
  private func shop(_ change: (inout SampleParameters) -> Void = { _ in }) -> SampleShop {
    var parameters = SampleParameters()
    parameters.items = 2_000
    change(&parameters)
    return SampleShop(parameters: parameters)
  }

  @Test(arguments: [1, 2, 3, 4, 5, 16, 17, 255, 256, 1000])
  func shuffleIsAPermutation(_ count: Int) {
    for key in 0..<5 as Range<UInt64> {
      let shuffle = SampleShuffle(count: count, key: key)
      #expect((0..<count).map { shuffle.position(of: $0) }.sorted() == Array(0..<count))
    }
  }

  @Test func shufflesOfDifferentKeysDiffer() {
    let (first, second) = (SampleShuffle(count: 1000, key: 1), SampleShuffle(count: 1000, key: 2))
    #expect((0..<1000).count { first.position(of: $0) == second.position(of: $0) } < 20)
    // Low positions come from everywhere, not from one end.
    let chosen = (0..<1000).filter { first.position(of: $0) < 100 }
    #expect((30...70).contains(chosen.count { $0 < 500 }))
  }

  @Test func productsDependOnTheirIndexAndSeedAlone() {
    let small = shop { $0.items = 100 }
    let large = shop { $0.items = 1_000_000 }
    for index in [0, 7, 99] {
      #expect(small.product(at: index).drawing == large.product(at: index).drawing)
      #expect(small.product(at: index).wording == large.product(at: index).wording)
    }
    let other = shop { $0.seed = 99 }
    #expect((0..<100).count { small.product(at: $0).drawing == other.product(at: $0).drawing } == 0)
  }

  @Test func sharesAreWhatWasAskedFor() {
    let shop = shop {
      $0.withoutImageFraction = 0.2
      $0.withoutTextFraction = 0.1
      $0.nearDuplicateFraction = 0.15
      $0.coldFraction = 0.25
      $0.arabicFraction = 0.5
    }
    let products = (0..<2000).map { shop.product(at: $0) }
    func share(_ condition: (SampleProduct) -> Bool) -> Double { Double(products.count(where: condition)) / 2000 }
    #expect(abs(share { !$0.hasImage } - 0.2) < 0.04)
    #expect(abs(share { !$0.hasText } - 0.1) < 0.03)
    #expect(abs(share { $0.original != nil } - 0.15) < 0.03)
    #expect(abs(share { $0.isCold } - 0.25) < 0.04)
    #expect(abs(share { $0.isArabic } - 0.5) < 0.05)
    #expect(products.allSatisfy { $0.hasText || $0.hasImage })
  }

  @Test func zeroSharesLeaveNothingOut() {
    let shop = shop {
      $0.withoutImageFraction = 0
      $0.withoutTextFraction = 0
      $0.nearDuplicateFraction = 0
      $0.coldFraction = 0
      $0.arabicFraction = 0
    }
    #expect(
      (0..<500).map { shop.product(at: $0) }.allSatisfy {
        $0.hasImage && $0.hasText && $0.original == nil && !$0.isCold && !$0.isArabic
      })
  }

  @Test func nearDuplicateRepeatsAnEarlierItem() throws {
    let shop = shop { $0.nearDuplicateFraction = 0.3 }
    let repeats = (0..<300).map { shop.product(at: $0) }.filter { $0.original != nil }
    #expect(repeats.count > 50)
    for product in repeats {
      let original = try #require(product.original)
      #expect(original < product.index)
    }
    let firstHand = repeats.filter { shop.product(at: $0.original ?? 0).original == nil }
    for product in firstHand {
      let original = shop.product(at: product.original ?? 0)
      #expect(product.category == original.category)
      #expect(product.drawing == original.drawing)
    }
  }

  @Test func styleShowsInColorsButOnlyPartly() {
    let shop = shop()
    let products = (0..<2000).map { shop.product(at: $0) }
    var counts: [[Int]: Int] = [:]
    for product in products { counts[[product.style, product.color], default: 0] += 1 }
    // Guessing each style's commonest color is better than chance (1/14) and far from certain.
    let hits = (0..<12).map { style in (0..<14).map { counts[[style, $0]] ?? 0 }.max() ?? 0 }.reduce(0, +)
    #expect((0.18...0.45).contains(Double(hits) / 2000))
    #expect(Set(products.map(\.style)).count == 12)
  }

  @Test func nightsChangeAndRemoveExactNumbers() {
    let shop = shop { $0.night = 5 }
    let shuffles = shop.shuffles()
    #expect(shuffles.count == 4)
    let revisions = (0..<2000).map { shop.revision(of: shop.product(at: $0), shuffles: shuffles) }
    #expect(revisions.count { $0.removalNight == 2 } == 4)
    #expect(revisions.count { $0.removalNight != nil } == 16)
    for night in 2...5 {
      let until = Array(shuffles.prefix(night - 1))
      let changed = (0..<2000).count { shop.revision(of: shop.product(at: $0), shuffles: until).night == night }
      #expect((19...20).contains(changed), "an item that left on an earlier night cannot change")
    }
    #expect(shop.itemCount(night: 5) == 2_040)
    #expect([1_999, 2_000, 2_009, 2_010, 2_039].map { shop.firstNight(of: $0) } == [1, 2, 2, 3, 5])
  }

  @Test func changesTouchOnlyWhatAnItemHas() {
    let shop = shop {
      $0.night = 2
      $0.changedFraction = 1
      $0.removedFraction = 0
      $0.withoutImageFraction = 0.3
      $0.withoutTextFraction = 0.3
    }
    let shuffles = shop.shuffles()
    var kinds = Set<[Bool]>()
    for index in 0..<500 {
      let product = shop.product(at: index)
      let revision = shop.revision(of: product, shuffles: shuffles)
      #expect(revision.text + revision.image > 0)
      #expect(product.hasImage || revision.image == 0)
      #expect(product.hasText || revision.text == 0)
      #expect(revision.imageNight == (revision.image > 0 ? 2 : 1))
      kinds.insert([revision.text > 0, revision.image > 0])
    }
    #expect(kinds.count == 3)
  }

  @Test func datesFollowTheCalendar() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
    let start = try #require(calendar.date(from: DateComponents(year: 2025, month: 1, day: 31)))
    for day in [-400, -30, -1, 0, 1, 28, 29, 365, 999] {
      let date = try #require(calendar.date(byAdding: .day, value: day, to: start))
      let parts = calendar.dateComponents([.year, .month, .day], from: date)
      let expected = "\(parts.year!)-\(twoDigits(parts.month!))-\(twoDigits(parts.day!))"
      #expect(sampleDate(day: day) == expected)
    }
  }

  private func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
