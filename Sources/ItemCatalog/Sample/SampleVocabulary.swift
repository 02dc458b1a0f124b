/// A word of the sample shop in both languages. Arabic adjectives follow the gender of their noun.
struct SampleWord: Sendable {
  let english: String
  let masculine: String
  let feminine: String

  init(_ english: String, _ masculine: String, _ feminine: String? = nil) {
    self.english = english
    self.masculine = masculine
    self.feminine = feminine ?? masculine
  }
}

package enum SamplePattern: Int, CaseIterable, Sendable {
  case plain, striped, dotted, checked, zigzag

  var word: SampleWord {
    switch self {
    case .plain: SampleWord("plain", "سادة")
    case .striped: SampleWord("striped", "مخطط", "مخططة")
    case .dotted: SampleWord("dotted", "منقط", "منقطة")
    case .checked: SampleWord("checked", "بنقشة مربعات")
    case .zigzag: SampleWord("zigzag", "بنقشة متعرجة")
    }
  }
}

struct SampleColor: Sendable {
  let word: SampleWord
  let color: Color

  private init(_ word: SampleWord, _ red: Float, _ green: Float, _ blue: Float) {
    self.word = word
    color = Color(red, green, blue, 255) / 255
  }

  static let all: [SampleColor] = [
    SampleColor(SampleWord("red", "أحمر", "حمراء"), 200, 40, 44),
    SampleColor(SampleWord("blue", "أزرق", "زرقاء"), 46, 98, 196),
    SampleColor(SampleWord("green", "أخضر", "خضراء"), 52, 142, 76),
    SampleColor(SampleWord("yellow", "أصفر", "صفراء"), 240, 198, 50),
    SampleColor(SampleWord("black", "أسود", "سوداء"), 44, 44, 50),
    SampleColor(SampleWord("white", "أبيض", "بيضاء"), 244, 243, 238),
    SampleColor(SampleWord("brown", "بني", "بنية"), 124, 80, 48),
    SampleColor(SampleWord("gray", "رمادي", "رمادية"), 140, 144, 150),
    SampleColor(SampleWord("pink", "وردي", "وردية"), 236, 142, 170),
    SampleColor(SampleWord("orange", "برتقالي", "برتقالية"), 234, 124, 38),
    SampleColor(SampleWord("purple", "بنفسجي", "بنفسجية"), 124, 74, 164),
    SampleColor(SampleWord("turquoise", "فيروزي", "فيروزية"), 48, 178, 180),
    SampleColor(SampleWord("navy", "كحلي", "كحلية"), 34, 50, 98),
    SampleColor(SampleWord("beige", "بيج"), 216, 196, 160),
  ]
}

struct SampleMaterial: Sendable {
  let word: SampleWord
  /// As in "made of fine …"; the Arabic one has its article.
  let noun: (english: String, arabic: String)

  private init(
    _ english: String, _ masculine: String, _ feminine: String, _ arabicNoun: String, englishNoun: String? = nil
  ) {
    word = SampleWord(english, masculine, feminine)
    noun = (englishNoun ?? english, arabicNoun)
  }

  static let cotton = SampleMaterial("cotton", "قطني", "قطنية", "القطن")
  static let linen = SampleMaterial("linen", "كتاني", "كتانية", "الكتان")
  static let wool = SampleMaterial("wool", "صوفي", "صوفية", "الصوف")
  static let silk = SampleMaterial("silk", "حريري", "حريرية", "الحرير")
  static let denim = SampleMaterial("denim", "من الجينز", "من الجينز", "قماش الجينز")
  static let leather = SampleMaterial("leather", "جلدي", "جلدية", "الجلد الطبيعي")
  static let canvas = SampleMaterial("canvas", "قماشي", "قماشية", "القماش المتين")
  static let wood = SampleMaterial("wooden", "خشبي", "خشبية", "الخشب", englishNoun: "wood")
  static let metal = SampleMaterial("metal", "معدني", "معدنية", "المعدن")
  static let steel = SampleMaterial("steel", "فولاذي", "فولاذية", "الفولاذ المقاوم للصدأ")
  static let glass = SampleMaterial("glass", "زجاجي", "زجاجية", "الزجاج")
  static let ceramic = SampleMaterial("ceramic", "خزفي", "خزفية", "الخزف")
  static let plastic = SampleMaterial("plastic", "بلاستيكي", "بلاستيكية", "البلاستيك المعاد تدويره")
}

struct SampleBrand: Sendable {
  let english: String
  let arabic: String

  static let all: [SampleBrand] = [
    SampleBrand(english: "Nordlys", arabic: "نوردليس"), SampleBrand(english: "Rimal", arabic: "رمال"),
    SampleBrand(english: "Oakline", arabic: "أوكلاين"), SampleBrand(english: "Zahra", arabic: "زهرة"),
    SampleBrand(english: "Vento", arabic: "فينتو"), SampleBrand(english: "Petra Home", arabic: "بترا هوم"),
    SampleBrand(english: "Kestrel", arabic: "كيستريل"), SampleBrand(english: "Marisol", arabic: "ماريسول"),
    SampleBrand(english: "Nakhla", arabic: "نخلة"), SampleBrand(english: "Brightwell", arabic: "برايتويل"),
    SampleBrand(english: "Atlas", arabic: "أطلس"), SampleBrand(english: "Calla", arabic: "كالا"),
    SampleBrand(english: "Sadu", arabic: "سدو"), SampleBrand(english: "Fjord", arabic: "فيورد"),
    SampleBrand(english: "Yasmin", arabic: "ياسمين"), SampleBrand(english: "Tamarind", arabic: "تمر هندي"),
  ]
}

/// A hidden taste that ties items of all categories together: users follow it, titles and pictures only hint at it.
struct SampleStyle: Sendable {
  let word: SampleWord
  /// Indices into `SampleColor.all`.
  let colors: [Int]
  let patterns: [SamplePattern]
  /// Indices into `SampleBrand.all`.
  let brands: [Int]
  /// English and Arabic hints for the description.
  let hint: (english: String, arabic: String)
  /// The tint of the backdrop.
  let backdrop: Color

  private init(
    _ word: SampleWord, colors: [Int], patterns: [SamplePattern], brands: [Int], hint: (String, String),
    backdrop: (Float, Float, Float)
  ) {
    self.word = word
    self.colors = colors
    self.patterns = patterns
    self.brands = brands
    self.hint = (hint.0, hint.1)
    self.backdrop = Color(backdrop.0, backdrop.1, backdrop.2, 1)
  }

  static let all: [SampleStyle] = [
    SampleStyle(
      SampleWord("classic", "كلاسيكي", "كلاسيكية"), colors: [12, 6, 13], patterns: [.plain, .checked],
      brands: [2, 9, 10], hint: ("A timeless look that never goes out of fashion.", "إطلالة خالدة لا تبطل موضتها."),
      backdrop: (0.93, 0.91, 0.87)),
    SampleStyle(
      SampleWord("sporty", "رياضي", "رياضية"), colors: [0, 1, 4], patterns: [.striped, .zigzag], brands: [4, 6, 10],
      hint: ("Made for an active day.", "لأيام مليئة بالحركة والنشاط."), backdrop: (0.88, 0.91, 0.95)),
    SampleStyle(
      SampleWord("minimal", "بسيط", "بسيطة"), colors: [5, 7, 4], patterns: [.plain], brands: [0, 13, 11],
      hint: ("Clean lines and nothing more than it needs.", "خطوط نظيفة بلا زوائد."), backdrop: (0.94, 0.94, 0.94)),
    SampleStyle(
      SampleWord("vintage", "عتيق الطراز", "عتيقة الطراز"), colors: [6, 9, 2], patterns: [.checked, .dotted],
      brands: [2, 5, 15], hint: ("Looks like a find from an old market.", "روح الأسواق القديمة."),
      backdrop: (0.91, 0.86, 0.77)),
    SampleStyle(
      SampleWord("bohemian", "بوهيمي", "بوهيمية"), colors: [9, 11, 10], patterns: [.zigzag, .dotted],
      brands: [12, 7, 15], hint: ("Colors and patterns for free spirits.", "ألوان ونقوش لمحبي الحرية."),
      backdrop: (0.95, 0.89, 0.84)),
    SampleStyle(
      SampleWord("luxury", "فاخر", "فاخرة"), colors: [4, 10, 0], patterns: [.plain, .striped], brands: [14, 11, 3],
      hint: ("Finished by hand down to the last detail.", "تشطيب يدوي بأدق التفاصيل."),
      backdrop: (0.82, 0.80, 0.82)),
    SampleStyle(
      SampleWord("outdoor", "متين", "متينة"), colors: [2, 9, 6], patterns: [.plain, .checked], brands: [6, 13, 10],
      hint: ("Takes rain, dust and long trips.", "للرحلات الطويلة في كل الأجواء."),
      backdrop: (0.87, 0.92, 0.86)),
    SampleStyle(
      SampleWord("playful", "مرح", "مرحة"), colors: [3, 8, 11], patterns: [.dotted, .zigzag], brands: [9, 7, 4],
      hint: ("Brings a smile to every morning.", "بسمة مع كل صباح."), backdrop: (0.97, 0.93, 0.82)),
    SampleStyle(
      SampleWord("modern", "عصري", "عصرية"), colors: [1, 7, 9], patterns: [.striped, .plain], brands: [0, 4, 9],
      hint: ("Fits into any modern home.", "انسجام مع كل بيت عصري."), backdrop: (0.87, 0.89, 0.92)),
    SampleStyle(
      SampleWord("natural", "طبيعي", "طبيعية"), colors: [13, 2, 5], patterns: [.plain, .striped], brands: [8, 1, 12],
      hint: ("Inspired by sand, stone and palm.", "إلهام من الرمال والنخيل."), backdrop: (0.93, 0.90, 0.82)),
    SampleStyle(
      SampleWord("romantic", "رومانسي", "رومانسية"), colors: [8, 10, 5], patterns: [.dotted, .striped],
      brands: [3, 14, 7], hint: ("Soft shades that make a lovely gift.", "درجات ناعمة وهدية جميلة."),
      backdrop: (0.97, 0.90, 0.91)),
    SampleStyle(
      SampleWord("nautical", "بحري", "بحرية"), colors: [12, 5, 11], patterns: [.striped, .checked],
      brands: [13, 4, 11], hint: ("A fresh breeze from the coast.", "نسيم منعش من البحر."),
      backdrop: (0.86, 0.92, 0.95)),
  ]
}
