import ItemCatalog
import ItemEncoders
import TensorMath
import TestSupport
import Testing

/// Templates as damaged pipeline files have them.
@Suite struct TextTemplateFuzzTests {
  private static let item = Item(
    id: "1", title: "T{i}", text: "}{", attributes: ["brand": .string("{title}"), "a b": .number(-0.5)])

  @Test func anyTextIsATemplateOrAMistakeThatNamesIt() {
    var random = RandomSource(seed: 32)
    let sound = Array("{title}: {{{attributes.brand}}} {text}".utf8)
    var (parsed, refused) = (0, 0)
    for _ in 0..<2_000 {
      let source = String(decoding: damaged(sound, using: &random), as: UTF8.self)
      do throws(EncoderError) {
        let template = try TextTemplate(source)
        #expect(template.description == source)
        #expect(template(Self.item) == template(Self.item))
        parsed += 1
      } catch {
        #expect(error.code == .invalidTemplate && error.message.hasPrefix("template \"\(source)\": "))
        refused += 1
      }
    }
    #expect(parsed > 0 && refused > 0)
  }
}

/// Lists of routing rules, against trying every script.
@Suite struct TextRouterPropertyTests {
  private static let samples: [(script: Script?, text: String)] = [
    (.arabic, "كتاب"), (.hebrew, "ספר"), (.latin, "book"), (.greek, "βιβλίο"), (nil, "123"),
  ]

  private static func takes(_ condition: TextRouter.Condition?, _ script: Script?) -> Bool {
    guard let condition else { return true }
    return script.map(condition.scripts.contains) ?? false
  }

  private static func conditions(using random: inout RandomSource) -> [TextRouter.Condition?] {
    (0..<Int.random(in: 1...4, using: &random)).map { _ in
      guard Int.random(in: 0..<5, using: &random) > 0 else { return nil }
      let scripts = samples.compactMap { $0.script }.filter { _ in Bool.random(using: &random) }
      return TextRouter.Condition(scripts: Set(scripts))
    }
  }

  @Test func rulesAreTakenIffEachCanBeReached() throws {
    var random = RandomSource(seed: 41)
    var (taken, refused) = (0, 0)
    for _ in 0..<2_000 {
      let conditions = Self.conditions(using: &random)
      let first = Self.samples.map { sample in conditions.firstIndex { Self.takes($0, sample.script) } }
      let isSound = conditions.indices.allSatisfy(first.contains)
      let router = try? TextRouter(conditions.map { TextRouter.Rule($0) })
      #expect((router != nil) == isSound, "\(conditions)")
      guard let router else {
        refused += 1
        continue
      }
      taken += 1
      #expect(Self.samples.map { router.route(of: Item(id: "1", text: $0.text)) } == first)
    }
    #expect(taken > 100 && refused > 100)
  }

  @Test func conditionsAreWrittenInTheOrderOfTheAlphabet() throws {
    let condition = try TextRouter.Condition(scriptNames: ["latin", "KATAKANA", "Hiragana", "Arabic", "arabic"])
    #expect(condition.scripts == [.latin, .japanese, .arabic] && condition.description == "Arabic, Japanese, Latin")
  }
}

/// The figures of neighbors' labels as a person reads them.
@Suite struct NeighborAgreementTextTests {
  @Test func figuresAreWrittenInPercent() {
    let agreement = NeighborAgreement(
      vectors: Matrix(rows: 3, columns: 1, elements: [1, 1, 1]), labels: [1, 1, 2],
      isPresent: [true, true, true], neighbors: 1)
    // The first two are each other's neighbor; the third's is the first.
    #expect(
      agreement.description
        == "3 items: sharing 66.7 % (chance 33.3 %), Jaccard 66.7 % (chance 33.3 %)")
  }
}
