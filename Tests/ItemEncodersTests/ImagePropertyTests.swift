import Foundation
import ItemCatalog
import ItemEncoders
import TensorMath
import TestSupport
import Testing

private func noise(_ width: Int, _ height: Int, using random: inout RandomSource) -> RGBImage {
  RGBImage(
    width: width, height: height,
    pixels: (0..<width * height * 3).map { _ in UInt8.random(in: 0...255, using: &random) })
}

/// Pillow's filters in double precision, straight from their formulas.
private func window(_ filter: ResamplingFilter) -> (support: Double, weight: (Double) -> Double) {
  func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(.pi * x) / (.pi * x) }
  switch filter {
  case .box: return (0.5, { $0 > -0.5 && $0 <= 0.5 ? 1 : 0 })
  case .bilinear: return (1, { max(0, 1 - abs($0)) })
  case .hamming: return (1, { abs($0) < 1 ? sinc($0) * (0.54 + 0.46 * cos(.pi * $0)) : 0 })
  case .bicubic:
    return (
      2,
      {
        let x = abs($0)
        if x < 1 { return 1.5 * x * x * x - 2.5 * x * x + 1 }
        return x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0
      }
    )
  case .lanczos: return (3, { abs($0) < 3 ? sinc($0) * sinc($0 / 3) : 0 })
  }
}

/// One axis of a channel, each value rounded to a sample as Pillow does between its passes.
private func resampled(_ line: [UInt8], to target: Int, by filter: ResamplingFilter) -> [UInt8] {
  guard target != line.count else { return line }
  let (support, weight) = window(filter)
  let scale = Double(line.count) / Double(target), stretch = max(1, scale)
  return (0..<target).map { output in
    let center = (Double(output) + 0.5) * scale
    let first = max(0, Int(center - support * stretch + 0.5))
    let end = min(line.count, Int(center + support * stretch + 0.5))
    let weights = (first..<end).map { weight((Double($0) - center + 0.5) / stretch) }
    let sum = zip(weights, line[first..<end]).reduce(0) { $0 + $1.0 * Double($1.1) } / weights.reduce(0, +)
    return UInt8(min(255, max(0, sum.rounded())))
  }
}

private func reference(_ image: RGBImage, width: Int, height: Int, by filter: ResamplingFilter) -> [UInt8] {
  var result = [UInt8](repeating: 0, count: width * height * 3)
  for channel in 0..<3 {
    let rows = (0..<image.height).map { row in
      resampled((0..<image.width).map { image.pixels[(row * image.width + $0) * 3 + channel] }, to: width, by: filter)
    }
    for column in 0..<width {
      let line = resampled(rows.map { $0[column] }, to: height, by: filter)
      for row in 0..<height { result[(row * width + column) * 3 + channel] = line[row] }
    }
  }
  return result
}

@Suite struct ResamplingPropertyTests {
  @Test(arguments: ResamplingFilter.allCases) func resultsAreThoseOfTheFormulas(filter: ResamplingFilter) {
    var random = RandomSource(seed: 61)
    for _ in 0..<12 {
      func side() -> Int { Int.random(in: 1...24, using: &random) }
      let image = noise(side(), side(), using: &random)
      let (width, height) = (side(), side())
      let found = filter.resize(image, width: width, height: height)
      #expect((found.width, found.height) == (width, height))
      let expected = reference(image, width: width, height: height, by: filter)
      // A sample on the edge between two is rounded by weights of 22 bits here and of 53 there, once in each pass.
      let worst = zip(found.pixels, expected).map { abs(Int($0) - Int($1)) }.max() ?? 0
      #expect(worst <= 1, "\(image.width) × \(image.height) to \(width) × \(height)")
    }
  }

  @Test(arguments: ResamplingFilter.allCases) func flatPicturesStayFlatAtEverySize(filter: ResamplingFilter) {
    for sample in [UInt8(0), 1, 127, 254, 255] {
      let flat = RGBImage(width: 5, height: 3, pixels: [UInt8](repeating: sample, count: 45))
      for (width, height) in [(1, 1), (50, 40), (2, 9), (5, 1)] {
        #expect(filter.resize(flat, width: width, height: height).pixels.allSatisfy { $0 == sample })
      }
    }
  }

  @Test func sharpFiltersStayWithinTheSamplesOfAnEdge() {
    // Black and white side by side: what bicubic and Lanczos throw over is cut off at both ends and does not wrap.
    let pixels = (0..<8).flatMap { _ in (0..<8).flatMap { [UInt8](repeating: $0 < 4 ? 0 : 255, count: 3) } }
    let edge = RGBImage(width: 8, height: 8, pixels: pixels)
    for filter in [ResamplingFilter.bicubic, .lanczos] {
      let wide = filter.resize(edge, width: 33, height: 8).pixels
      let row = stride(from: 0, to: 33 * 3, by: 3).map { Int(wide[$0]) }
      #expect(row.prefix(10).allSatisfy { $0 < 30 } && row.suffix(10).allSatisfy { $0 > 225 })
    }
  }
}

@Suite struct PreprocessingPropertyTests {
  @Test func samplesAreThoseOfTheFormula() {
    var random = RandomSource(seed: 62)
    for _ in 0..<40 {
      func number(_ low: Double, _ high: Double) -> Double { Double.random(in: low...high, using: &random) }
      let crop = ImagePreprocessing.Extent(
        width: Int.random(in: 1...8, using: &random), height: Int.random(in: 1...8, using: &random))
      let settings = ImagePreprocessing(
        size: .exact(ImagePreprocessing.Extent(width: 11, height: 8)), filter: .bilinear, crop: crop,
        rescale: number(0.001, 1), mean: (0..<3).map { _ in number(-1, 1) },
        deviation: (0..<3).map { _ in number(0.1, 2) })
      let image = noise(11, 8, using: &random)
      let found = settings.apply(to: image)
      #expect(found.count == crop.width * crop.height * 3 && settings.extent == crop)
      // The middle, with the odd column or row left out on the right and below.
      let (left, top) = ((11 - crop.width) / 2, (8 - crop.height) / 2)
      for row in 0..<crop.height {
        for column in 0..<crop.width {
          for channel in 0..<3 {
            let sample = Double(image.pixels[((row + top) * 11 + column + left) * 3 + channel])
            let expected = (sample * settings.rescale - settings.mean[channel]) / settings.deviation[channel]
            let value = Double(found[(row * crop.width + column) * 3 + channel])
            #expect(abs(value - expected) <= 1e-5 * max(1, abs(expected)))
          }
        }
      }
    }
  }

  @Test(arguments: [(40, 30), (30, 40), (31, 31), (1, 200), (200, 1), (1, 5_000), (5_000, 1), (2, 1_001), (1, 1)])
  func theShorterSideIsScaledAndTheMiddleKept(width: Int, height: Int) {
    var random = RandomSource(seed: 63)
    let extent = ImagePreprocessing.Extent(width: 7, height: 5)
    let settings = ImagePreprocessing(
      size: .shorterSide(9), filter: .bicubic, crop: extent, rescale: 1, mean: [0, 0, 0], deviation: [1, 1, 1])
    let image = noise(width, height, using: &random)
    let found = settings.resizedAndCropped(image)
    #expect((found.width, found.height) == (7, 5))
    let longer = 9 * max(width, height) / min(width, height)
    guard longer <= 5_000 else { return }
    let whole = ResamplingFilter.bicubic.resize(
      image, width: width > height ? longer : 9, height: width > height ? 9 : longer)
    let cut = whole.cropped(x: (whole.width - 7) / 2, y: (whole.height - 5) / 2, width: 7, height: 5)
    // A long strip is cut before it is scaled; its kept middle is the same picture.
    let worst = zip(found.pixels, cut.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(longer > 64 * 9 ? worst <= 255 : worst == 0)
  }

  @Test func everySettingIsInTheDescriptionThatFingerprintsTake() {
    func settings(_ change: (inout ImagePreprocessing) -> Void) -> String {
      var settings = ImagePreprocessing(
        size: .exact(ImagePreprocessing.Extent(width: 8, height: 9)), filter: .bilinear, rescale: 1, mean: [0, 0, 0],
        deviation: [1, 1, 1])
      change(&settings)
      return settings.description
    }
    let changes: [(inout ImagePreprocessing) -> Void] = [
      { _ in }, { $0.size = .exact(ImagePreprocessing.Extent(width: 9, height: 8)) }, { $0.size = .shorterSide(8) },
      { $0.filter = .box }, { $0.crop = ImagePreprocessing.Extent(width: 8, height: 9) },
      { $0.crop = ImagePreprocessing.Extent(width: 9, height: 8) }, { $0.rescale = 1.0 / 255 }, { $0.mean[2] = 1e-9 },
      { $0.mean[0] = 1e-9 }, { $0.deviation[1] = 0.5 }, { $0.allowsReducedDecoding = true },
    ]
    #expect(Set(changes.map(settings)).count == changes.count)
  }
}

@Suite struct ImageFeaturePropertyTests {
  private func norm(_ values: some Sequence<Float>) -> Float { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  /// Four blocks of 100, 96, 41 and 19 numbers, whose lengths are to one another as 1, 0.7, 0.7 and 0.4.
  @Test func everyBlockHasItsShareOfTheVector() {
    var random = RandomSource(seed: 64)
    for (width, height) in [(64, 64), (90, 40), (17, 200)] {
      let features = BuiltinImageEncoder.features(of: noise(width, height, using: &random))
      #expect(features.count == 256)
      let whole = Float(1 + 0.49 + 0.49 + 0.16).squareRoot()
      expectClose(
        [norm(features[..<100]), norm(features[100..<196]), norm(features[196..<237]), norm(features[237...])],
        [1, 0.7, 0.7, 0.4].map { $0 / whole }, tolerance: 1e-4)
    }
  }

  @Test func aBlankPictureHasColorsAndNoEdges() {
    let blank = RGBImage(width: 10, height: 10, pixels: [UInt8](repeating: 200, count: 300))
    let features = BuiltinImageEncoder.features(of: blank)
    #expect(features[100..<196].allSatisfy { $0 == 0 } && features[237..<246].allSatisfy { $0 == 0 })
    #expect(norm(features[..<100]) > 0.5 && abs(norm(features) - 1) < 1e-5)
  }
}

@Suite struct NeighborAgreementPropertyTests {
  /// Everything by its definition: all pairs, a full sort, sets of labels.
  private func slow(_ vectors: Matrix, _ labels: [UInt64], _ isPresent: [Bool], _ neighbors: Int) -> [Double] {
    let kept = labels.indices.filter { labels[$0] != 0 && isPresent[$0] }
    func tally(_ pairs: [(Int, Int)]) -> [Double] {
      var (sharing, jaccard) = (0.0, 0.0)
      for (left, right) in pairs {
        let common = (labels[left] & labels[right]).nonzeroBitCount
        let either = (labels[left] | labels[right]).nonzeroBitCount
        sharing += common > 0 ? 1 : 0
        jaccard += Double(common) / Double(either)
      }
      let count = Double(max(1, pairs.count))
      return [sharing / count, jaccard / count]
    }
    var near: [(Int, Int)] = []
    var all: [(Int, Int)] = []
    for row in kept {
      var others: [(similarity: Float, row: Int)] = []
      for other in kept where other != row {
        let product = zip(vectors.row(row), vectors.row(other)).reduce(Float(0)) { $0 + $1.0 * $1.1 }
        others.append((product, other))
        all.append((row, other))
      }
      others.sort { $0.similarity != $1.similarity ? $0.similarity > $1.similarity : $0.row < $1.row }
      near += others.prefix(neighbors).map { (row, $0.row) }
    }
    return [Double(kept.count)] + tally(near) + tally(all)
  }

  @Test(arguments: [(1, 3), (2, 1), (40, 5), (40, 100), (530, 3)]) func figuresAreThoseOfTheDefinition(
    count: Int, neighbors: Int
  ) {
    var random = RandomSource(seed: UInt64(count))
    // Small integers: products are exact, and equal ones are many.
    let vectors = Matrix(
      rows: count, columns: 4,
      elements: ContiguousArray((0..<count * 4).map { _ in Float(Int.random(in: -3...3, using: &random)) }))
    let labels = (0..<count).map { _ in UInt64.random(in: 0...15, using: &random) }
    let isPresent = (0..<count).map { _ in Int.random(in: 0...9, using: &random) > 0 }
    let found = NeighborAgreement(vectors: vectors, labels: labels, isPresent: isPresent, neighbors: neighbors)
    let expected = slow(vectors, labels, isPresent, neighbors)
    let figures = [
      Double(found.items), found.sharing, found.jaccard, found.chanceSharing, found.chanceJaccard,
    ]
    for (figure, wanted) in zip(figures, expected) { #expect(abs(figure - wanted) < 1e-9) }
  }
}

@Suite struct ScriptPropertyTests {
  private let letters: [(Script, [Unicode.Scalar])] = [
    (.latin, ["a", "Z", "é"]), (.cyrillic, ["я", "Ё"]), (.arabic, ["ك", "ة"]), (.greek, ["λ"]), (.hebrew, ["ש"]),
    (.hangul, ["한"]),
  ]

  @Test func theDominantScriptIsTheOneThatCountingFinds() {
    var random = RandomSource(seed: 66)
    let others: [Unicode.Scalar] = ["1", " ", "!", "\u{301}", "🙂", "٣", "\u{64B}", "—"]
    for _ in 0..<2_000 {
      var text = String.UnicodeScalarView()
      var counts: [Script: (count: Int, first: Int)] = [:]
      for place in 0..<Int.random(in: 0...9, using: &random) {
        if Bool.random(using: &random) {
          text.append(others.randomElement(using: &random)!)
        } else {
          let (script, scalars) = letters.randomElement(using: &random)!
          text.append(scalars.randomElement(using: &random)!)
          counts[script, default: (0, place)].count += 1
        }
      }
      let most = counts.values.map(\.count).max()
      let expected = counts.filter { $0.value.count == most }.min { $0.value.first < $1.value.first }?.key
      #expect(ScriptDetector.dominantScript(of: String(text)) == expected)
    }
  }

  @Test func kanaMakeATextJapaneseFromATenthOn() {
    func script(_ han: Int, _ kana: Int, _ before: String = "") -> Script? {
      ScriptDetector.dominantScript(
        of: before + String(repeating: "漢", count: han) + String(repeating: "の", count: kana))
    }
    #expect(script(9, 1) == .japanese && script(10, 1) == .han && script(0, 1) == .japanese && script(1, 0) == .han)
    #expect(script(19, 2) == .han && script(18, 2) == .japanese)
    // A stray kana counts as a letter of the Chinese text around it: 21 letters against 20.
    #expect(script(20, 1, String(repeating: "a", count: 20)) == .han)
    #expect(script(20, 1, String(repeating: "a", count: 21)) == .latin)
    // Both kana scripts and Han are one text, which began where the first of them did.
    #expect(ScriptDetector.dominantScript(of: "カの漢abc") == .japanese)
    #expect(ScriptDetector.dominantScript(of: "abcカの漢") == .latin)
  }

  @Test func lettersOfUnknownScriptsCountTowardsTheLimitOnly() {
    let limit = ScriptDetector.letterLimit
    // Cherokee is no script that can be asked for.
    #expect(ScriptDetector.dominantScript(of: String(repeating: "Ꭰ", count: limit - 1) + "a") == .latin)
    #expect(ScriptDetector.dominantScript(of: String(repeating: "Ꭰ", count: limit) + "a") == nil)
    let half = String(repeating: "я", count: limit / 2) + String(repeating: "a", count: limit / 2)
    #expect(ScriptDetector.dominantScript(of: half + "aaa") == .cyrillic)
    #expect(ScriptDetector.dominantScript(of: String(repeating: "1", count: 3 * limit) + "a") == .latin)
  }

  @Test func everyScriptIsFoundByItsNameInAnyCase() {
    for script in Script.ofTexts {
      #expect(Script(named: script.rawValue) == script && Script(named: script.rawValue.uppercased()) == script)
    }
    #expect(Script(named: "hiragana") == .japanese && Script(named: "KATAKANA") == .japanese)
    #expect(Script(named: "") == nil && Script(named: "Latin ") == nil && Script(named: "Latn") == nil)
    #expect(Script.ofTexts.count == Script.allCases.count - 2)
  }

  @Test func aRouterTakesTheFirstRuleThatMatches() throws {
    var random = RandomSource(seed: 67)
    for _ in 0..<200 {
      let scripts = letters.map(\.0).shuffled(using: &random)
      let cuts = [0, 1, 3, scripts.count]
      var conditions: [TextRouter.Condition?] = zip(cuts, cuts.dropFirst()).map { start, end in
        TextRouter.Condition(scripts: Set(scripts[start..<end]))
      }
      let hasDefault = Bool.random(using: &random)
      if hasDefault { conditions[2] = nil }
      let router = try TextRouter(conditions.map { TextRouter.Rule($0) })
      for (script, scalars) in letters {
        let item = Item(id: "1", text: String(scalars[0]))
        let expected = conditions.firstIndex { $0.map { $0.scripts.contains(script) } ?? true }
        #expect(router.route(of: item) == expected)
      }
      #expect(router.route(of: Item(id: "1", text: "123")) == (hasDefault ? 2 : nil))
    }
  }
}
