/// A kind of product: its words, what it is made of, what it costs, and how it is drawn.
struct SampleCategory: Sendable {
  /// The value of the `category` attribute.
  let name: String
  let noun: String
  /// Arabic, as mostly written; with vowel marks; stretched by tatweel.
  let arabic: (plain: String, vowelled: String, stretched: String)
  let isFeminine: Bool
  let materials: [SampleMaterial]
  /// Lowest and highest price, whole units.
  let prices: ClosedRange<Int>
  let draw: @Sendable (inout SampleSketch) -> Void

  private init(
    _ noun: String, _ plain: String, _ vowelled: String, _ stretched: String, feminine: Bool = false,
    _ materials: [SampleMaterial], _ prices: ClosedRange<Int>, _ draw: @escaping @Sendable (inout SampleSketch) -> Void
  ) {
    name = noun
    self.noun = noun
    arabic = (plain, vowelled, stretched)
    isFeminine = feminine
    self.materials = materials
    self.prices = prices
    self.draw = draw
  }

  static let all: [SampleCategory] = [
    SampleCategory("mug", "كوب", "كُوب", "كـوب", [.ceramic, .glass, .steel], 6...28) { $0.drawMug() },
    SampleCategory("shirt", "قميص", "قَمِيص", "قمـيص", [.cotton, .linen, .wool], 12...70) { $0.drawShirt() },
    SampleCategory("lamp", "مصباح", "مِصْبَاح", "مصـباح", [.metal, .wood, .ceramic], 20...160) { $0.drawLamp() },
    SampleCategory("sneaker", "حذاء", "حِذَاء", "حـذاء", [.leather, .canvas, .wool], 30...150) { $0.drawSneaker() },
    SampleCategory(
      "backpack", "حقيبة ظهر", "حَقِيبَةُ ظَهْر", "حقـيبة ظهر", feminine: true, [.canvas, .leather, .cotton], 25...140
    ) { $0.drawBackpack() },
    SampleCategory("chair", "كرسي", "كُرْسِيّ", "كرسـي", [.wood, .metal, .plastic], 35...260) { $0.drawChair() },
    SampleCategory(
      "bottle", "قارورة", "قَارُورَة", "قـارورة", feminine: true, [.steel, .glass, .plastic], 8...45
    ) { $0.drawBottle() },
    SampleCategory(
      "watch", "ساعة يد", "سَاعَةُ يَد", "سـاعة يد", feminine: true, [.leather, .steel, .canvas], 40...480
    ) { $0.drawWatch() },
    SampleCategory("teapot", "إبريق شاي", "إِبْرِيقُ شَاي", "إبريـق شاي", [.ceramic, .glass, .steel], 15...85) {
      $0.drawTeapot()
    },
    SampleCategory(
      "vase", "مزهرية", "مِزْهَرِيَّة", "مزهـرية", feminine: true, [.ceramic, .glass, .metal], 12...120
    ) { $0.drawVase() },
    SampleCategory(
      "table", "طاولة", "طَاوِلَة", "طـاولة", feminine: true, [.wood, .metal, .glass], 60...520
    ) { $0.drawTable() },
    SampleCategory(
      "sofa", "أريكة", "أَرِيكَة", "أريـكة", feminine: true, [.leather, .linen, .wool], 220...1900
    ) { $0.drawSofa() },
    SampleCategory(
      "cushion", "وسادة", "وِسَادَة", "وسـادة", feminine: true, [.cotton, .linen, .silk], 8...48
    ) { $0.drawCushion() },
    SampleCategory(
      "clock", "ساعة حائط", "سَاعَةُ حَائِط", "سـاعة حائط", feminine: true, [.wood, .metal, .plastic], 14...110
    ) { $0.drawClock() },
    SampleCategory("dress", "فستان", "فُسْتَان", "فسـتان", [.cotton, .silk, .linen], 28...230) { $0.drawDress() },
    SampleCategory("trousers", "بنطال", "بِنْطَال", "بنـطال", [.denim, .cotton, .linen], 22...120) {
      $0.drawTrousers()
    },
    SampleCategory("hat", "قبعة", "قُبَّعَة", "قبـعة", feminine: true, [.wool, .cotton, .linen], 10...65) {
      $0.drawHat()
    },
    SampleCategory(
      "handbag", "حقيبة يد", "حَقِيبَةُ يَد", "حقيـبة يد", feminine: true, [.leather, .canvas, .silk], 30...420
    ) { $0.drawHandbag() },
    SampleCategory(
      "umbrella", "مظلة", "مِظَلَّة", "مظـلة", feminine: true, [.canvas, .plastic, .silk], 10...60
    ) { $0.drawUmbrella() },
    SampleCategory(
      "sunglasses", "نظارة شمسية", "نَظَّارَة شَمْسِيَّة", "نظـارة شمسية", feminine: true, [.plastic, .metal, .wood],
      15...190
    ) { $0.drawSunglasses() },
    SampleCategory("plant pot", "أصيص نباتات", "أَصِيصُ نَبَاتَات", "أصـيص نباتات", [.ceramic, .metal, .wood], 7...55) {
      $0.drawPlantPot()
    },
    SampleCategory(
      "headphones", "سماعة رأس", "سَمَّاعَةُ رَأْس", "سمـاعة رأس", feminine: true, [.plastic, .metal, .leather],
      25...350
    ) { $0.drawHeadphones() },
  ]
}
