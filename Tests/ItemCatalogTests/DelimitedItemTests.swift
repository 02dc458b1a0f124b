import ItemCatalog
import Testing

@Suite("Item records in CSV and TSV")
struct DelimitedItemTests {
  @Test func columnsAreFoundByName() throws {
    let result = try catalog(
      "text,extra,id,attributes.brand,title,updated_at,attributes.size\nA lamp,x,1,Acme,Lamp,2024,\nB,,2,,,,XL\n",
      name: "items.csv")
    #expect(
      result.items == [
        Item(id: "1", title: "Lamp", text: "A lamp", attributes: ["brand": .string("Acme")], updatedAt: "2024"),
        Item(id: "2", title: "", text: "B", attributes: ["size": .string("XL")]),
      ])
    #expect(result.rejected.isEmpty)
  }

  @Test func quotesCommasAndNewlinesBelongToTheirField() throws {
    let result = try catalog(
      "\u{FEFF}id,title,text\r\n1,\"a, \"\"b\"\"\",\"two\nlines\r\nand more\"\r\n2,5\" pipe,\"\"\r\n\r\n3,\"\"\"\",é\r\n4,x",
      name: "items.csv")
    #expect(result.items.map(\.id) == ["1", "2", "3"])
    #expect(result.items.map(\.title) == ["a, \"b\"", "5\" pipe", "\""])
    #expect(result.items.map(\.text) == ["two\nlines\r\nand more", "", "é"])
    #expect(result.rejected.map(\.line) == [8] && result.rejected.first?.found == "2 fields")
  }

  @Test func tabsDelimitTSV() throws {
    let result = try catalog("id\ttitle\n1\ta, b\n2\t\"tab\there\"\n", name: "items.tsv")
    #expect(result.items.map(\.title) == ["a, b", "tab\there"])
  }

  @Test(arguments: [
    ("1,a,b,c", "invalid_row", "more than 3 fields"), ("1,\"a\"x,b", "invalid_row", "x,b after a closing quote"),
    (",a,b", "missing", "no id"), ("1,,", "no_content", "neither"),
  ])
  func wrongRowsAreRejectedAlone(row: String, reason: String, found: String) throws {
    let result = try catalog("id,title,text\n\(row)\n9,good,\n", name: "items.csv")
    #expect(result.items.map(\.id) == ["9"])
    #expect(result.rejected.map(\.reason) == [reason] && result.rejected.first?.line == 2)
    #expect(result.rejected.first?.found.contains(found) == true, "\(result.rejected)")
  }

  @Test func aBrokenCellNamesItsColumn() throws {
    let result = try catalog(Array("id,title\n1,ab".utf8) + [0xFF, 0x0A], name: "items.csv")
    #expect(result.rejected.map(\.reason) == ["invalid_utf8"] && result.rejected.first?.field == "title")
    #expect(result.rejected.first?.found == "the value 0xff at byte 3")
  }

  @Test func anOpenQuoteCostsOneLine() throws {
    let result = try catalog("id,title\n1,\"open\n2,good\n3,also good\n", name: "items.csv")
    #expect(result.items.map(\.id) == ["2", "3"])
    #expect(result.rejected.map(\.line) == [2] && result.rejected.first?.reason == "invalid_row")
  }

  @Test func anOpenQuoteThatAnotherQuoteClosesCostsOneLine() throws {
    let result = try catalog("id,title\n1,\"open\n2,good\n3,\"x, y\"\n4,good\n", name: "items.csv")
    #expect(result.items.map(\.id) == ["2", "3", "4"] && result.items[1].title == "x, y")
    #expect(result.rejected.map(\.line) == [2] && result.summary.rejected == 1)
  }

  @Test func anOpenQuoteInALargeFileCostsOneLine() throws {
    var limits = CatalogLimits()
    limits.recordBytes = 1000
    var text = "id,title\n"
    for row in 0..<200_000 { text += row == 70_000 ? "\(row),\"open\n" : "\(row),a title of some words\n" }
    let result = try catalog(text, name: "items.csv", limits: limits)
    #expect(result.items.count == 199_999)
    #expect(result.rejected.map(\.line) == [70_002] && result.items[70_000].id == "70001")
  }

  @Test func hostileQuotesCannotMakeAFileBeReadOverAndOver() throws {
    var limits = CatalogLimits()
    limits.recordBytes = 10_000
    // Every line looks like an open quote to whoever starts there, and none ever closes.
    let text = "id,title\n" + String(repeating: "x\",\"\n", count: 300_000)
    let result = try catalog(text, name: "items.csv", limits: limits)
    #expect(result.items.isEmpty && result.rejected.count <= 400)
    // Every line counts as lost, so that the share of rejected records tells the truth.
    #expect(result.summary.rejected == 300_000)
    #expect(result.rejected.contains { $0.reason == "too_long" || $0.reason == "invalid_row" })
  }

  @Test(arguments: [
    ("", "no header"), ("\"open\n", "no header"), ("title,text\na,b\n", "no column id"), ("id,title,id\n", "twice"),
    ("id,\"a\"b\n", "after a closing quote"),
  ])
  func aFileWithoutAUsableHeaderStopsTheBuild(text: String, message: String) throws {
    let error = #expect(throws: CatalogError.self) { try catalog(text, name: "items.csv") }
    #expect(error?.code == .badData && error?.message.contains(message) == true, "\(error?.message ?? "")")
  }

  @Test func tooManyColumnsStopTheBuild() throws {
    var limits = CatalogLimits()
    limits.columnCount = 3
    #expect(throws: CatalogError.self) { try catalog("id,title,a,b\n", name: "items.csv", limits: limits) }
    #expect(try catalog("id,title,a\n1,t,\n", name: "items.csv", limits: limits).items.count == 1)
  }
}
