/// Writes records of `items.jsonl`. Its words need no JSON escapes, so bytes are copied as they are.
package struct SampleText {
  let shop: SampleShop
  package private(set) var bytes: [UInt8] = []

  package init(shop: SampleShop) { self.shop = shop }

  package mutating func append(_ product: SampleProduct, revision: SampleRevision, image: String?) {
    add("{\"id\": \"")
    add(sampleID(product.index))
    add("\", \"title\": \"")
    if product.hasText { addTitle(product) }
    add("\", \"text\": \"")
    if product.hasText { addText(product, revision: revision) }
    add("\", \"image\": ")
    if let image {
      add("\"")
      add(image)
      add("\"")
    } else {
      add("null")
    }
    addAttributes(product, revision: revision)
    add(", \"updated_at\": \"")
    add(sampleDate(day: revision.night == 1 ? -Int(product.wording % 300) : revision.night - 1))
    add("\"}\n")
  }

  private mutating func add(_ text: String) { bytes += text.utf8 }

  private mutating func addTitle(_ product: SampleProduct) {
    let category = SampleCategory.all[product.category]
    let brand = SampleBrand.all[product.brand]
    let material = category.materials[product.material].word
    let style = SampleStyle.all[product.style].word
    let color = SampleColor.all[product.color].word
    if product.isArabic {
      add(
        product.spelling == 1
          ? category.arabic.vowelled
          : product.spelling == 2 ? category.arabic.stretched : category.arabic.plain)
      for word in [material, color, product.pattern.word] { addArabic(word, category) }
      if product.namesStyle { addArabic(style, category) }
      add(" من ")
      add(brand.arabic)
    } else {
      add(brand.english)
      if product.namesStyle { addEnglish(style) }
      addEnglish(color)
      if product.pattern != .plain { addEnglish(product.pattern.word) }
      addEnglish(material)
      add(" ")
      add(category.noun)
    }
  }

  private mutating func addArabic(_ word: SampleWord, _ category: SampleCategory) {
    add(" ")
    add(category.isFeminine ? word.feminine : word.masculine)
  }

  private mutating func addEnglish(_ word: SampleWord) {
    add(" ")
    add(word.english)
  }

  private mutating func addText(_ product: SampleProduct, revision: SampleRevision) {
    let sentences = product.isArabic ? arabicSentences(product) : englishSentences(product)
    addTitle(product)
    add(".")
    // A near-duplicate leaves out a sentence or repeats the shop's usual ending.
    let isRepeat = product.original != nil
    for (position, sentence) in sentences.enumerated() where !(isRepeat && position == 1) {
      add(" ")
      add(sentence)
    }
    if isRepeat { add(product.isArabic ? " شحن سريع." : " Ships fast.") }
    if revision.text > 0 {
      let news = product.isArabic ? arabicNews : englishNews
      add(" ")
      add(news[(revision.text - 1) % news.count])
    }
  }

  private func englishSentences(_ product: SampleProduct) -> [String] {
    let category = SampleCategory.all[product.category]
    let style = SampleStyle.all[product.style]
    var sentences = [
      "Made of fine \(category.materials[product.material].noun.english) for everyday use.",
      englishUses[Int(product.wording % UInt64(englishUses.count))],
    ]
    if product.wording >> 16 % 3 != 0 { sentences.insert(style.hint.english, at: 1) }
    if product.wording >> 24 % 2 == 0 {
      sentences.append(englishCare[Int(product.wording >> 32 % UInt64(englishCare.count))])
    }
    return sentences
  }

  private func arabicSentences(_ product: SampleProduct) -> [String] {
    let category = SampleCategory.all[product.category]
    let style = SampleStyle.all[product.style]
    let uses = category.isFeminine ? arabicUses.feminine : arabicUses.masculine
    let care = category.isFeminine ? arabicCare.feminine : arabicCare.masculine
    var sentences = [
      (category.isFeminine ? "مصنوعة من " : "مصنوع من ") + category.materials[product.material].noun.arabic
        + " بجودة عالية.",
      uses[Int(product.wording % UInt64(uses.count))],
    ]
    if product.wording >> 16 % 3 != 0 { sentences.insert(style.hint.arabic, at: 1) }
    if product.wording >> 24 % 2 == 0 { sentences.append(care[Int(product.wording >> 32 % UInt64(care.count))]) }
    return sentences
  }

  /// An image-only item gives nothing away but its price.
  private mutating func addAttributes(_ product: SampleProduct, revision: SampleRevision) {
    let category = SampleCategory.all[product.category]
    // Prices fall a little with every change of the words.
    let price = max(100, product.price - 25 * revision.text)
    add(", \"attributes\": {")
    if product.hasText {
      for (name, value) in [
        ("category", category.name), ("color", SampleColor.all[product.color].word.english),
        ("pattern", product.pattern.word.english), ("material", category.materials[product.material].word.english),
        ("brand", SampleBrand.all[product.brand].english),
      ] {
        add("\"")
        add(name)
        add("\": \"")
        add(value)
        add("\", ")
      }
    }
    add("\"price\": \(price / 100).")
    add(price % 100 < 10 ? "0\(price % 100)}" : "\(price % 100)}")
  }
}

/// The id of an item.
package func sampleID(_ index: Int) -> String {
  let digits = String(index)
  return "item-" + String(repeating: "0", count: max(0, 7 - digits.utf8.count)) + digits
}

/// The calendar date of a day counted from 31 January 2025, the first night (Howard Hinnant, "chrono-compatible
/// low-level date algorithms").
package func sampleDate(day: Int) -> String {
  let days = 20_119 + day + 719_468
  let era = days / 146_097
  let dayOfEra = days - era * 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let shiftedMonth = (5 * dayOfYear + 2) / 153
  let date = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
  let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return "\(year)-\(month < 10 ? "0" : "")\(month)-\(date < 10 ? "0" : "")\(date)"
}

private let englishUses = [
  "Good at home, in the office and on the road.", "A favorite of our customers.", "A thoughtful gift for any occasion.",
  "Comes in a recycled box.", "Part of the new season's collection.", "Light, sturdy and pleasant to the touch.",
  "Designed to last for years.", "Goes well with the other pieces of the line.",
]
private let englishCare = [
  "Easy to clean.", "Wipe with a damp cloth.", "Two-year warranty.", "Free returns within 30 days.",
  "Store in a dry place.",
]
private let arabicUses = (
  masculine: [
    "مناسب للبيت والمكتب والسفر.", "مفضل لدى زبائننا.", "هدية مميزة لكل المناسبات.", "يصل في علبة معاد تدويرها.",
    "جزء من تشكيلة الموسم الجديد.", "خفيف ومتين وناعم الملمس.", "مصمم ليدوم سنوات طويلة.",
    "يتناسق مع بقية قطع المجموعة.",
  ],
  feminine: [
    "مناسبة للبيت والمكتب والسفر.", "مفضلة لدى زبائننا.", "هدية مميزة لكل المناسبات.", "تصل في علبة معاد تدويرها.",
    "جزء من تشكيلة الموسم الجديد.", "خفيفة ومتينة وناعمة الملمس.", "مصممة لتدوم سنوات طويلة.",
    "تتناسق مع بقية قطع المجموعة.",
  ]
)
private let arabicCare = (
  masculine: [
    "سهل التنظيف.", "يمسح بقطعة قماش رطبة.", "ضمان لمدة سنتين.", "إرجاع مجاني خلال ثلاثين يوما.",
    "يحفظ في مكان جاف.",
  ],
  feminine: [
    "سهلة التنظيف.", "تمسح بقطعة قماش رطبة.", "ضمان لمدة سنتين.", "إرجاع مجاني خلال ثلاثين يوما.",
    "تحفظ في مكان جاف.",
  ]
)
private let englishNews = ["Now at a lower price.", "Back in stock.", "Now with an improved finish.", "Last pieces."]
private let arabicNews = ["الآن بسعر أقل.", "وصلت كميات جديدة.", "الآن بتشطيب أفضل.", "آخر القطع."]
