import Foundation
import TableExport
import TestSupport
import Testing

@Suite struct TextWriterTests {
  private func written(_ format: TableFormat, _ rows: [SemanticIDRow], levels: Int) throws -> String {
    try withTemporaryDirectory { folder in
      let path = "\(folder)/table"
      let writer = try format.makeWriter(path: path, description: description(levels: levels, size: 256))
      for row in rows { try writer.append(row) }
      let summary = try writer.finish()
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(summary == TableSummary(path: path, rows: rows.count, bytes: data.count))
      return String(decoding: data, as: UTF8.self)
    }
  }

  private let plainRow = SemanticIDRow(
    id: "item-1", codes: [12, 7, 255], suffix: 3, flags: 5, distance: 0.25, generation: 18_446_744_073_709_551_615)

  @Test func csvHasAHeaderAndOneLinePerRow() throws {
    let text = try written(.csv, [plainRow], levels: 3)
    #expect(
      text == """
        id,code_0,code_1,code_2,semantic_id,suffix,flags,distance,generation
        item-1,12,7,255,12-7-255+3,3,5,0.25,18446744073709551615

        """)
  }

  @Test func csvOfNoRowsIsItsHeader() throws {
    #expect(try written(.csv, [], levels: 1) == "id,code_0,semantic_id,suffix,flags,distance,generation\n")
  }

  @Test(arguments: [
    ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""), ("two\nlines", "\"two\nlines\""),
    ("cr\rhere", "\"cr\rhere\""),
    ("", "\"\""), ("plain", "plain"), ("漢字 'x'", "漢字 'x'"), ("=1+1", "=1+1"),
  ])
  func csvQuotesWhatNeedsQuotes(id: String, field: String) throws {
    let row = SemanticIDRow(id: id, codes: [0], distance: 1, generation: 1)
    let text = try written(.csv, [row], levels: 1)
    #expect(text.hasSuffix("\n\(field),0,0,0,0,1.0,1\n"))
  }

  @Test(arguments: [
    (Float.nan, "NaN", "null"), (.infinity, "inf", "null"), (-.infinity, "-inf", "null"), (0.1, "0.1", "0.1"),
    (1e-20, "1e-20", "1e-20"), (16_777_216, "16777216.0", "16777216.0"), (-0.0, "-0.0", "-0.0"),
  ])
  func distancesAreTheShortestThatReadBack(distance: Float, csv: String, json: String) throws {
    let row = SemanticIDRow(id: "a", codes: [0], distance: distance, generation: 1)
    #expect(try written(.csv, [row], levels: 1).hasSuffix(",\(csv),1\n"))
    #expect(try written(.jsonl, [row], levels: 1).contains("\"distance\":\(json),"))
  }

  @Test func jsonLinesHaveTheColumnsInOrder() throws {
    #expect(
      try written(.jsonl, [plainRow], levels: 3) == """
        {"id":"item-1","code_0":12,"code_1":7,"code_2":255,"semantic_id":"12-7-255+3","suffix":3,"flags":5,\
        "distance":0.25,"generation":18446744073709551615}

        """)
  }

  @Test func jsonLinesReadBackWhateverTheID() throws {
    var rows = sampleRows(500, levels: 2, sizes: 256)
    for byte in 0..<UInt8(0x80) {
      rows.append(
        SemanticIDRow(id: String(UnicodeScalar(byte)), codes: [1, 2], distance: 0, generation: 3))
    }
    let lines = try written(.jsonl, rows, levels: 2).utf8.split(separator: 0x0A)
    #expect(lines.count == rows.count)
    for (line, row) in zip(lines, rows) {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
      #expect(object["id"] as? String == row.id)
      #expect(object["code_1"] as? Int == Int(row.codes[1]))
      #expect(object["semantic_id"] as? String == text(of: row))
      #expect(object["suffix"] as? Int == Int(row.suffix))
      #expect((object["distance"] as? Double).map { Float($0) } == (row.distance.isNaN ? nil : row.distance))
    }
  }

  @Test func csvReadsBackWhateverTheID() throws {
    let rows = sampleRows(500, levels: 2, sizes: 256)
    let records = parseCSV(try written(.csv, rows, levels: 2))
    #expect(records.count == rows.count + 1)
    for (record, row) in zip(records.dropFirst(), rows) {
      #expect(record.count == 8)
      #expect(Array(record[0].utf8) == Array(row.id.utf8))
      #expect(record[1...2].compactMap { UInt16($0) } == row.codes)
      #expect(record[3] == text(of: row))
      #expect(UInt16(record[4]) == row.suffix && UInt8(record[5]) == row.flags)
      #expect(row.distance.isNaN ? record[6] == "NaN" : Float(record[6]) == row.distance)
    }
  }
}

/// A reader of RFC 4180, one byte at a time.
private func parseCSV(_ text: String) -> [[String]] {
  var records: [[String]] = []
  var record: [String] = []
  var field: [UInt8] = []
  var isQuoted = false
  var bytes = Array(text.utf8)[...]
  while let byte = bytes.popFirst() {
    if isQuoted {
      if byte != 0x22 {
        field.append(byte)
      } else if bytes.first == 0x22 {
        field.append(bytes.removeFirst())
      } else {
        isQuoted = false
      }
    } else if byte == 0x22 {
      isQuoted = true
    } else if byte == 0x2C || byte == 0x0A {
      record.append(String(decoding: field, as: UTF8.self))
      field = []
      if byte == 0x0A {
        records.append(record)
        record = []
      }
    } else {
      field.append(byte)
    }
  }
  return records
}
