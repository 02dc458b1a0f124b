import Foundation
import ItemCatalog
import Testing

@Suite struct SampleTextTests {
  private static let shop = {
    var parameters = SampleParameters()
    parameters.arabicFraction = 0.5
    return SampleShop(parameters: parameters)
  }()

  private func record(_ product: SampleProduct, revision: SampleRevision = SampleRevision()) throws -> [String: Any] {
    var text = SampleText(shop: Self.shop)
    text.append(product, revision: revision, image: "images/a.jpg")
    let object = try JSONSerialization.jsonObject(with: Data(text.bytes))
    return try #require(object as? [String: Any])
  }

  private var products: [SampleProduct] { (0..<600).map { Self.shop.product(at: $0) }.filter(\.hasText) }

  @Test func recordsAreJSONOnOneLine() throws {
    for product in products {
      var text = SampleText(shop: Self.shop)
      text.append(product, revision: SampleRevision(), image: nil)
      #expect(text.bytes.count { $0 == 0x0A } == 1)
      let record = try record(product)
      #expect(record["id"] as? String == sampleID(product.index))
      #expect(record["image"] as? String == "images/a.jpg")
      let title = try #require(record["title"] as? String)
      #expect((record["text"] as? String)?.hasPrefix(title) == true)
    }
  }

  @Test func arabicAdjectivesAgreeWithTheirNoun() throws {
    let masculine: Set<Substring> = ["أحمر", "أزرق", "أخضر", "أصفر", "أسود", "أبيض", "مخطط", "منقط"]
    let feminine: Set<Substring> = ["حمراء", "زرقاء", "خضراء", "صفراء", "سوداء", "بيضاء", "مخططة", "منقطة"]
    let feminineNouns = [
      "حقيبة", "قارورة", "ساعة", "مزهرية", "طاولة", "أريكة", "وسادة", "قبعة", "مظلة", "نظارة", "سماعة",
    ]
    var found = (masculine: 0, feminine: 0)
    for product in products where product.isArabic && product.spelling == 0 {
      let title = try #require(try record(product)["title"] as? String)
      let words = title.split(separator: " ")
      let isFeminine = feminineNouns.contains { words[0] == $0 }
      #expect(words.allSatisfy { !(isFeminine ? masculine : feminine).contains($0) }, "\(title)")
      if isFeminine { found.feminine += 1 } else { found.masculine += 1 }
    }
    #expect(found.masculine > 30)
    #expect(found.feminine > 30)
  }

  @Test func englishTitlesHaveNoArabicAndTheReverse() throws {
    for product in products {
      let title = try #require(try record(product)["title"] as? String)
      let hasArabic = title.unicodeScalars.contains { (0x600...0x6FF).contains($0.value) }
      let hasLatin = title.unicodeScalars.contains { $0.isASCII && $0.properties.isAlphabetic }
      #expect(hasArabic == product.isArabic)
      #expect(hasLatin == !product.isArabic)
    }
  }

  @Test func everyRevisionReadsDifferently() throws {
    let product = try #require(products.first)
    var texts = Set<String>()
    for count in 0..<4 {
      var revision = SampleRevision()
      revision.text = count
      texts.insert(try #require(try record(product, revision: revision)["text"] as? String))
    }
    #expect(texts.count == 4)
  }

  @Test func nearDuplicateTextIsCloseButNotEqual() throws {
    var original = try #require(products.first { $0.original == nil && !$0.isArabic })
    let text = try #require(try record(original)["text"] as? String)
    original.original = 0
    let near = try #require(try record(original)["text"] as? String)
    #expect(near != text)
    let words = Set(text.split(separator: " "))
    let shared = words.intersection(near.split(separator: " ")).count
    #expect(Double(shared) / Double(words.count) > 0.4)
  }

  @Test func pricesHaveTwoDecimals() throws {
    for product in products.prefix(50) {
      var text = SampleText(shop: Self.shop)
      text.append(product, revision: SampleRevision(), image: nil)
      let line = String(decoding: text.bytes, as: UTF8.self)
      #expect(line.firstMatch(of: /"price": [0-9]+\.[0-9]{2}}/) != nil, "\(line)")
    }
  }
}
