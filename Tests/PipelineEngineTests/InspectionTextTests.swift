import PipelineEngine
import SemanticIDStore
import Testing

/// The plain text as a whole: what people read, and scripts that should use `--json` cut up all the same.
@Suite struct InspectionTextTests {
  @Test func collisions() throws {
    try withInspectedSnapshot { fixture, snapshot in
      let text = CollisionInspection(
        snapshot, catalog: fixture.catalog(snapshot), options: .init(bucketLimit: 2, memberLimit: 2)
      ).plainText()
      #expect(
        text == """
          generation \(snapshot.manifest.generation): 12 items, 6 different codes, 12 semantic IDs with suffixes
          colliding items 11 (91.67 %), duplicates 50.00 %, largest bucket 3
          told apart by suffix 6, moved by the collision policy 1

          bucket size  buckets  items    share
          -----------  -------  -----  -------
                    1        1      1   8.33 %
                    2        4      8  66.67 %
                    3        1      3  25.00 %

          colliding items by cause: equal text and image 3, equal text 2, equal image 2, different or similar 4

          0-0-0: 3 items, equal text and image, mean distance 0.2000, largest 0.3000
            semantic ID  distance  item  title     image  flags
            -----------  --------  ----  --------  -----  -----
            0-0-0          0.1000  a1    Blue mug
            0-0-0+1        0.2000  a2    Blue mug
            … and 1 more

          0-1-0: 2 items, equal text, mean distance 0.5000, largest 0.5000
            semantic ID  distance  item  title   image   flags
            -----------  --------  ----  ------  ------  -----
            0-1-0          0.5000  b1    Poster  b1.jpg
            0-1-0+1        0.5000  b2    Poster  b2.jpg

          3 smaller buckets not shown; raise --limit to see them

          """)
    }
  }

  @Test func item() throws {
    try withInspectedSnapshot { fixture, snapshot in
      let inspection = try ItemInspection("c2", snapshot, catalog: fixture.catalog(snapshot), limit: 2)
      #expect(
        inspection.plainText() == """
          item c2 in generation \(snapshot.manifest.generation): 1-0-0+1
          title     Yellow sofa
          distance  0.5000
          flags     none
          content   00000000000003e3
          bucket    2 items with these codes

          level  code  items with code  items with prefix
          -----  ----  ---------------  -----------------
              1     1                4                  4
              2     0                5                  2
              3     0                7                  2

          shared  semantic ID  item  title       distance  flags
          ------  -----------  ----  ----------  --------  -----
               3  1-0-0        c1    Green lamp    0.5000
               1  1-1-2        d1    Kettle        0.5000

          """)
    }
  }

  @Test func codebooks() throws {
    try withInspectedSnapshot { fixture, snapshot in
      let text = CodebookInspection(snapshot, catalog: fixture.catalog(snapshot), limit: 2).plainText()
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines[0].hasSuffix("12 items, 6 different codes, collision rate 91.67 %"))
      #expect(
        lines[2].split(separator: " ").joined(separator: " ")
          == "level size used dead overfull entropy of ln(size) perplexity Gini")
      #expect(
        lines[4].split(separator: " ").joined(separator: " ")
          == "1 4 75.00 % 1 0 1.0776 0.7773 2.9375 0.3333")
      #expect(text.contains("level 1: 2 of 4 codes, most used first"))
      #expect(text.contains("     0      5  41.67 %  a1       Blue mug      0.1000"))
    }
  }

  @Test func aDiffOfAGenerationWithItselfSaysThatNothingChanged() throws {
    try withInspectedSnapshot { _, snapshot in
      let number = snapshot.manifest.generation
      #expect(
        GenerationDiff(from: snapshot, to: snapshot).plainText() == """
          generation \(number) to \(number): 12 to 12 items, 0 added, 0 removed
          churn 0.00 % of the items in both, 0.00 % of those whose content did not change
          collision rate 91.67 % to 91.67 %, largest bucket 3 to 3

          items in both            same content  changed content
          -----------------------  ------------  ---------------
          all                                12                0
          semantic ID unchanged              12                0
          suffix changed                      0                0
          first change at level 1             0                0
          first change at level 2             0                0
          first change at level 3             0                0

          """)
    }
  }

  @Test func anItemWithoutNeighborsSaysSo() throws {
    try withInspectedSnapshot { _, snapshot in
      var columns = ItemColumns(levels: 1)
      columns.append(id: "only", record: ItemRecord(semanticID: SemanticID(codes: [3])))
      let alone = GenerationSnapshot(manifest: snapshot.manifest, isCurrent: false, columns: columns, codebooks: [])
      #expect(alone.sizes == [4])
      let text = try ItemInspection("only", alone).plainText()
      #expect(text.hasSuffix("\nno other item shares its first code\n"))
      #expect(text.contains("bucket    1 item with these codes"))
    }
  }
}
