internal import TensorMath

/// What the shop knows about one product on its first day.
package struct SampleProduct: Sendable {
  package let index: Int
  /// Index into `SampleStyle.all`: the hidden taste.
  package var style: Int
  package var category: Int
  package var color: Int
  package var pattern: SamplePattern
  package var material: Int
  package var brand: Int
  /// Hundredths.
  package var price: Int
  package var isArabic: Bool
  /// Whether the words name the style.
  package var namesStyle: Bool
  /// 0 plain, 1 with vowel marks, 2 with tatweel.
  package var spelling: Int
  /// Decides which sentences are used.
  package var wording: UInt64
  /// Decides the drawing's proportions and placement.
  package var drawing: UInt64
  /// How often people come across it, relative to others.
  package var popularity: Double
  package var hasImage: Bool
  package var hasText: Bool
  /// Nobody has touched it.
  package var isCold: Bool
  /// The item that this one nearly repeats.
  package var original: Int?
}

/// Where a product stands on a night.
package struct SampleRevision: Sendable {
  /// How often the words changed.
  package var text = 0
  /// How often the picture changed.
  package var image = 0
  /// The last night on which either changed; 1 for the first.
  package var night = 1
  /// The last night on which the picture changed; 1 for the first.
  package var imageNight = 1
  /// The night on which the item left, if it did.
  package var removalNight: Int?

  package init() {}
}

/// Draws products and their later changes from the seed; every item can be asked for alone, in any order.
package struct SampleShop: Sendable {
  package let parameters: SampleParameters

  package init(parameters: SampleParameters) { self.parameters = parameters }

  /// Items that have existed up to `night`, removed ones included.
  package func itemCount(night: Int) -> Int { parameters.items + (night - 1) * share(parameters.addedFraction) }

  /// The night on which an item joins.
  package func firstNight(of index: Int) -> Int {
    index < parameters.items ? 1 : 2 + (index - parameters.items) / max(1, share(parameters.addedFraction))
  }

  package func product(at index: Int) -> SampleProduct {
    var random = RandomSource(seed: parameters.seed, stream: UInt64(index) << 8 | 1)
    let isRepeat = index > 0 && Double(random.nextUniform()) < parameters.nearDuplicateFraction
    guard isRepeat else { return original(at: index) }
    let source = Int.random(in: 0..<index, using: &random)
    let base = original(at: source)
    var product = SampleProduct(
      index: index, style: base.style, category: base.category, color: base.color, pattern: base.pattern,
      material: base.material, brand: base.brand, price: base.price, isArabic: base.isArabic,
      namesStyle: base.namesStyle, spelling: base.spelling, wording: base.wording, drawing: base.drawing,
      popularity: base.popularity * 0.5, hasImage: base.hasImage, hasText: base.hasText, isCold: base.isCold,
      original: source)
    if random.nextUniform() < 0.5 { product.price += 50 * Int.random(in: 1...4, using: &random) }
    return product
  }

  private func original(at index: Int) -> SampleProduct {
    var random = RandomSource(seed: parameters.seed, stream: UInt64(index) << 8)
    let styleIndex = Int.random(in: 0..<SampleStyle.all.count, using: &random)
    let style = SampleStyle.all[styleIndex]
    let categoryIndex = Int.random(in: 0..<SampleCategory.all.count, using: &random)
    let category = SampleCategory.all[categoryIndex]
    // Colors, patterns and brands follow the style often, not always: it stays hidden.
    let color = pick(style.colors, among: SampleColor.all.count, probability: 0.65, &random)
    let pattern = pick(style.patterns.map(\.rawValue), among: SamplePattern.allCases.count, probability: 0.6, &random)
    let brand = pick(style.brands, among: SampleBrand.all.count, probability: 0.55, &random)
    let lowest = Double(category.prices.lowerBound)
    let ratio = Double(category.prices.upperBound) / lowest
    let position = Double(random.nextUniform()) * (styleIndex == 5 ? 0.4 : 1) + (styleIndex == 5 ? 0.6 : 0)
    // A cheap stand-in for ratio^position: dear things are rarer than cheap ones.
    let price = lowest * (1 + (ratio - 1) * position * position)
    let lacks = Double(random.nextUniform())
    let withoutImage = !parameters.images || lacks < parameters.withoutImageFraction
    let withoutText = !withoutImage && lacks > 1 - parameters.withoutTextFraction
    let skew = Double(random.nextUniform())
    return SampleProduct(
      index: index, style: styleIndex, category: categoryIndex, color: color,
      pattern: SamplePattern(rawValue: pattern) ?? .plain,
      material: Int.random(in: 0..<category.materials.count, using: &random), brand: brand,
      price: Int(price) * 100 + [0, 50, 90, 95, 99][Int.random(in: 0..<5, using: &random)],
      isArabic: Double(random.nextUniform()) < parameters.arabicFraction, namesStyle: random.nextUniform() < 0.5,
      spelling: [0, 0, 0, 0, 0, 0, 0, 1, 1, 2][Int.random(in: 0..<10, using: &random)], wording: random.next(),
      drawing: random.next(), popularity: 1 / (0.01 + skew * skew), hasImage: !withoutImage, hasText: !withoutText,
      isCold: Double(random.nextUniform()) < parameters.coldFraction, original: nil)
  }

  /// One of `favorites` with `probability`, anything otherwise.
  private func pick(
    _ favorites: [Int], among count: Int, probability: Float, _ random: inout RandomSource
  ) -> Int {
    random.nextUniform() < probability
      ? favorites[Int.random(in: 0..<favorites.count, using: &random)] : Int.random(in: 0..<count, using: &random)
  }

  /// What has happened to an item by `parameters.night`.
  package func revision(of product: SampleProduct, shuffles: [SampleShuffle]) -> SampleRevision {
    var revision = SampleRevision()
    revision.night = firstNight(of: product.index)
    revision.imageNight = revision.night
    guard product.index < parameters.items else { return revision }
    let removed = share(parameters.removedFraction)
    let changed = share(parameters.changedFraction)
    for (offset, shuffle) in shuffles.enumerated() {
      let position = shuffle.position(of: product.index)
      if position < removed {
        revision.removalNight = offset + 2
        return revision
      }
      guard position < removed + changed else { continue }
      let kind = mixed(UInt64(position) &+ UInt64(offset) << 32) % 3
      if product.hasText, kind != 1 || !product.hasImage { revision.text += 1 }
      if product.hasImage, kind != 0 || !product.hasText {
        revision.image += 1
        revision.imageNight = offset + 2
      }
      revision.night = offset + 2
    }
    return revision
  }

  /// One permutation for every night after the first: its first places are removed, the next ones change.
  package func shuffles() -> [SampleShuffle] {
    (1..<max(1, parameters.night)).map {
      SampleShuffle(count: parameters.items, key: mixed(parameters.seed ^ mixed(UInt64($0))))
    }
  }

  /// A fraction of the first night's items, as a count.
  func share(_ fraction: Double) -> Int {
    min(parameters.items, max(0, Int((fraction * Double(parameters.items)).rounded())))
  }
}
