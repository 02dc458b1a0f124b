import ItemCatalog
import ItemEncoders
import Testing

private let item = Item(
  id: "42", title: "Lamp", text: "A small lamp",
  attributes: ["brand": .string("Lux"), "price": .number(12), "width": .number(2.5), "new": .boolean(true)])

@Suite struct TextTemplateTests {
  @Test func theDefaultIsTextOrTitleWhereTextIsBlank() throws {
    #expect(TextTemplate.textOrTitle(item) == "A small lamp")
    #expect(TextTemplate.textOrTitle(Item(id: "1", title: "Lamp", text: " \n")) == "Lamp")
    #expect(try TextTemplate("") == .textOrTitle)
  }

  @Test(arguments: [
    ("{title}. {text} {attributes.brand}", "Lamp. A small lamp Lux"),
    ("{attributes.price} {attributes.width} {attributes.new}", "12 2.5 true"),
    ("{attributes.none}|", "|"),
    ("{{{title}}}", "{Lamp}"),
    ("plain", "plain"),
  ])
  func placeholdersAreFilledIn(template: String, expected: String) throws {
    let parsed = try TextTemplate(template)
    #expect(parsed(item) == expected)
    #expect(parsed.description == template)
  }

  @Test(arguments: ["{title", "title}", "{name}", "{}", "{attributes.}", "{ title }", "{attributes}"])
  func mistakesAreNamed(template: String) {
    let error = #expect(throws: EncoderError.self) { try TextTemplate(template) }
    #expect(error?.code == .invalidTemplate && error?.message.contains(template) == true)
  }
}
