import ItemCatalog
import Testing

@Suite struct SamplePictureTests {
  private static let shop = {
    var parameters = SampleParameters()
    parameters.nearDuplicateFraction = 0
    return SampleShop(parameters: parameters)
  }()

  /// The first products of every category, `count` of each.
  private static func products(perCategory count: Int) -> [[SampleProduct]] {
    var groups = [[SampleProduct]](repeating: [], count: 22)
    for index in 0..<4_000 {
      let product = shop.product(at: index)
      if groups[product.category].count < count { groups[product.category].append(product) }
    }
    return groups
  }

  @Test func everyKindOfProductStandsOutFromItsBackdrop() {
    for group in Self.products(perCategory: 2) {
      for product in group {
        let image = SamplePicture(product: product, revision: 0).image(side: 64)
        let corner = (0..<3).map { Int(image.pixels[$0]) }
        let different = stride(from: 0, to: image.pixels.count, by: 3).count { start in
          (0..<3).map { abs(Int(image.pixels[start + $0]) - corner[$0]) }.max() ?? 0 > 30
        }
        #expect((100...3_600).contains(different), "category \(product.category)")
      }
    }
  }

  @Test func silhouettesTellTheCategory() {
    let groups = Self.products(perCategory: 16)
    let outlines = groups.map { $0.map { outline($0) } }
    let means = outlines.map { group in
      (0..<256).map { position in group[..<8].reduce(0) { $0 + $1[position] } / 8 }
    }
    var hits = 0
    var total = 0
    for (category, group) in outlines.enumerated() {
      for sample in group[8...] {
        let distances = means.map { mean in zip(mean, sample).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } }
        hits += distances.indices.min { distances[$0] < distances[$1] } == category ? 1 : 0
        total += 1
      }
    }
    // Nearest mean outline of eight others, 22 categories: chance is 1 in 22.
    #expect(Double(hits) / Double(total) > 0.6)
  }

  @Test func revisionIsANewPhotographOfTheSameProduct() {
    let product = Self.shop.product(at: 3)
    let first = SamplePicture(product: product, revision: 0).image(side: 64)
    let second = SamplePicture(product: product, revision: 1).image(side: 64)
    #expect(first == SamplePicture(product: product, revision: 0).image(side: 64))
    #expect(first != second)
  }

  @Test func nearDuplicateIsTheSameDrawingRecompressed() throws {
    var product = try #require((0..<50).map { Self.shop.product(at: $0) }.first { $0.drawing % 5 != 0 })
    let original = SamplePicture(product: product, revision: 0).file(side: 160)
    product.original = 0
    let near = SamplePicture(product: product, revision: 0).file(side: 160)
    #expect(original != near)
    #expect(near.count < original.count)
    let (a, b) = (try ImageDecoder.decode(bytes: original), try ImageDecoder.decode(bytes: near))
    let difference = zip(a.pixels, b.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
    #expect(Double(difference) / Double(a.pixels.count) < 4)
  }

  @Test func picturesAreJPEGAndPNG() throws {
    let formats = try (0..<60).map { index in
      let picture = SamplePicture(product: Self.shop.product(at: index), revision: 0)
      let format = try ImageDecoder.header(bytes: picture.file(side: 32)).format
      #expect(picture.isPNG == (format == .png))
      return format
    }
    #expect((4...25).contains(formats.count { $0 == .png }))
  }

  /// Where a 16 × 16 picture differs from its backdrop, 0 to 1.
  private func outline(_ product: SampleProduct) -> [Double] {
    let image = SamplePicture(product: product, revision: 0).image(side: 64).resized(width: 16, height: 16)
    return (0..<256).map { position in
      let row = position / 16
      let difference =
        (0..<3).map { channel -> Int in
          let left = Int(image.pixels[row * 48 + channel])
          return abs(Int(image.pixels[position * 3 + channel]) - left)
        }.max() ?? 0
      return min(1, Double(difference) / 40)
    }
  }
}
