import Foundation
import ItemCatalog
import PipelineEngine
import Quantizers
import SemanticIDStore
import TensorMath
import TestSupport
import Testing

/// A generation of items with random codes, and what a catalogue says of them.
private struct RandomGeneration {
  let snapshot: GenerationSnapshot
  let codes: [[UInt16]]
  let distances: [Float]
  let contents: [UInt64]
  let texts: [UInt64?]
  let images: [UInt64?]

  /// - Parameter titles: of the items, by row; the same for all where nil.
  init(_ count: Int, sizes: [Int], seed: UInt64, titles: [String]? = nil) throws {
    var random = RandomSource(seed: seed)
    var columns = ItemColumns(levels: sizes.count)
    var codes: [[UInt16]] = []
    var distances: [Float] = []
    var contents: [UInt64] = []
    for row in 0..<count {
      codes.append(sizes.map { UInt16.random(in: 0..<UInt16($0), using: &random) })
      // Few different values, so that some tie.
      distances.append(Float(Int.random(in: 0...4, using: &random)) / 4)
      contents.append(UInt64.random(in: 0...5, using: &random))
      columns.append(
        id: String(format: "item-%05d", row),
        record: ItemRecord(
          semanticID: SemanticID(codes: codes[row]), distance: distances[row], contentHash: contents[row]))
    }
    texts = (0..<count).map { _ in Bool.random(using: &random) ? UInt64.random(in: 0...9, using: &random) : nil }
    images = (0..<count).map { _ in Bool.random(using: &random) ? UInt64.random(in: 0...9, using: &random) : nil }
    var manifest: GenerationManifest?
    try withInspectedSnapshot { _, snapshot in manifest = snapshot.manifest }
    snapshot = GenerationSnapshot(
      manifest: try #require(manifest), isCurrent: true, columns: columns,
      codebooks: sizes.map { StoredCodebook(size: $0, dimensions: 1, centroids: Array(repeating: 0, count: $0)) })
    (self.codes, self.distances, self.contents) = (codes, distances, contents)
  }

  func catalog(titles: [String] = []) -> InspectionCatalog {
    let (texts, images) = (texts, images)
    return InspectionCatalog(
      item: { row in
        Item(id: "\(row)", title: row < titles.count ? titles[row] : "", text: "", image: nil)
      },
      hashes: { InspectionCatalog.PartHashes(text: texts[$0], image: images[$0]) })
  }
}

/// What inspections tell, against the definitions, on generations of random codes.
@Suite struct InspectionPropertyTests {
  @Test(arguments: 0..<8 as Range<UInt64>) func anItemsCountsAndNeighborsAreThoseOfItsPrefixes(seed: UInt64) throws {
    let generation = try RandomGeneration(150, sizes: [4, 3, 5], seed: seed)
    for (row, limit) in [(0, 20), (77, 3), (149, 0), (40, 1000)] {
      let found = try ItemInspection(String(format: "item-%05d", row), generation.snapshot, limit: limit)
      let own = generation.codes[row]
      func shared(_ other: Int) -> Int { zip(own, generation.codes[other]).prefix { $0 == $1 }.count }
      for level in 0..<3 {
        #expect(found.codes[level].level == level + 1 && found.codes[level].code == Int(own[level]))
        #expect(found.codes[level].itemsWithCode == generation.codes.count { $0[level] == own[level] })
        #expect(found.codes[level].itemsWithPrefix == (0..<150).count { shared($0) > level })
      }
      #expect(found.bucketSize == generation.codes.count { $0 == own })
      let expected = (0..<150).filter { $0 != row && shared($0) > 0 }.sorted { (shared($1), $0) < (shared($0), $1) }
      #expect(found.neighbors.map(\.item.id) == expected.prefix(limit).map { String(format: "item-%05d", $0) })
      #expect(found.neighbors.map(\.sharedLevels) == expected.prefix(limit).map(shared))
    }
  }

  @Test(arguments: 0..<6 as Range<UInt64>) func causesByHashAreThoseOfTheBucketsTwins(seed: UInt64) throws {
    let generation = try RandomGeneration(120, sizes: [3, 3, 2], seed: 100 + seed)
    let found = CollisionInspection(
      generation.snapshot, catalog: generation.catalog(), options: .init(bucketLimit: 100))
    var expected = CauseCounts()
    var (equalContent, equalText, equalImage, unexplained) = (0, 0, 0, 0)
    for row in 0..<120 {
      let others = (0..<120).filter { $0 != row && generation.codes[$0] == generation.codes[row] }
      guard !others.isEmpty else { continue }
      let (content, text, image) = (generation.contents[row], generation.texts[row], generation.images[row])
      // Zero stands for no hash.
      if content != 0, others.contains(where: { generation.contents[$0] == content }) {
        equalContent += 1
      } else if let text, others.contains(where: { generation.texts[$0] == text }) {
        equalText += 1
      } else if let image, others.contains(where: { generation.images[$0] == image }) {
        equalImage += 1
      } else {
        unexplained += 1
      }
    }
    (expected.equalContent, expected.equalText, expected.equalImage) = (equalContent, equalText, equalImage)
    #expect(found.causesByHash == expected && found.itemsNotExplainedByHash == unexplained)
    for bucket in found.largest {
      #expect(CollisionCause.allCases.reduce(0) { $0 + (bucket.causes?[$1] ?? 0) } == bucket.size)
    }
  }

  @Test(arguments: 0..<6 as Range<UInt64>) func bucketsAreTheLargestAndTheirMembersTheNearest(seed: UInt64) throws {
    let generation = try RandomGeneration(200, sizes: [3, 2, 3], seed: 200 + seed)
    let found = CollisionInspection(generation.snapshot, options: .init(bucketLimit: 5, memberLimit: 3))
    let groups = Dictionary(grouping: 0..<200) { generation.codes[$0] }.filter { $0.value.count > 1 }
    let order = groups.sorted {
      ($1.value.count, $0.key.description) < ($0.value.count, $1.key.description)
    }.prefix(5)
    #expect(found.largest.map(\.size) == order.map(\.value.count))
    for bucket in found.largest {
      let rows = try #require(groups[bucket.codes.split(separator: "-").compactMap { UInt16($0) }])
      let nearest = rows.sorted { (generation.distances[$0], $0) < (generation.distances[$1], $1) }
      #expect(bucket.members.map(\.id) == nearest.prefix(3).map { String(format: "item-%05d", $0) })
      let values = rows.map { Double(generation.distances[$0]) }
      #expect(abs(bucket.meanDistance - values.reduce(0, +) / Double(rows.count)) < 1e-12)
      #expect(bucket.largestDistance == values.max())
    }
    #expect(zip(found.largest, found.largest.dropFirst()).allSatisfy { $0.size > $1.size || $0.codes < $1.codes })
  }

  /// The printed histogram holds every bucket once, in ranges that double.
  @Test(arguments: [[1, 1, 2, 3, 4, 5, 8, 9, 16, 17, 33], [64, 65, 4, 4], [2], [7, 6, 5]])
  func thePrintedHistogramCountsEveryBucketOnce(sizes: [Int]) throws {
    var columns = ItemColumns(levels: 1)
    for (code, size) in sizes.enumerated() {
      for member in 0..<size {
        columns.append(
          id: String(format: "%03d-%03d", code, member),
          record: ItemRecord(semanticID: SemanticID(codes: [UInt16(code)]), contentHash: UInt64(columns.count + 1)))
      }
    }
    var text = ""
    try withInspectedSnapshot { _, snapshot in
      let own = GenerationSnapshot(manifest: snapshot.manifest, isCurrent: true, columns: columns, codebooks: [])
      text = CollisionInspection(own, options: .init(bucketLimit: 0)).plainText()
    }
    var names: [String] = []
    var total = 0
    for row in text.matches(of: /(?m)^ +([0-9]+)(?:-([0-9]+))? +([0-9]+) +([0-9]+) +[0-9.]+ %$/) {
      let first = try #require(Int(row.1))
      let last = row.2.flatMap { Int($0) } ?? first
      let inside = sizes.filter { $0 >= first && $0 <= last }
      #expect(Int(row.3) == inside.count && Int(row.4) == inside.reduce(0, +), "\(row.0)")
      #expect(first == last ? first <= 4 : last == 2 * (first - 1), "\(row.0)")
      names.append(String(row.1))
      total += inside.count
    }
    #expect(total == sizes.count && Set(names).count == names.count)
    let shown = sizes.count { $0 > 1 }
    #expect(text.contains("\(shown) smaller buckets not shown; raise --limit"))
  }

  /// Titles alike as five-byte pieces go, against sets of strings.
  @Test func nearDuplicatesAreThoseWithMostPiecesInCommon() throws {
    func pieces(_ text: String) -> Set<[UInt8]> {
      var letters: [UInt8] = []
      for byte in text.lowercased().utf8 {
        let isWord = byte >= 0x80 || (48...57).contains(byte) || (97...122).contains(byte)
        if isWord { letters.append(byte) } else if let last = letters.last, last != 32 { letters.append(32) }
      }
      while letters.last == 32 { letters.removeLast() }
      return letters.count < 5 ? [] : Set((0...letters.count - 5).map { Array(letters[$0..<$0 + 5]) })
    }
    var random = RandomSource(seed: 12)
    let words = ["oak", "Chair", "green", "with", "3", "legs", "für", "drinnen", "GARDEN", "lamp,", "--", "small"]
    var (near, far) = (0, 0)
    for round in 0..<60 {
      let first = (0..<8).map { _ in words.randomElement(using: &random)! }
      var second = first
      for _ in 0..<round % 5 { second[Int.random(in: 0..<8, using: &random)] = words.randomElement(using: &random)! }
      let titles = [first.joined(separator: " "), second.joined(separator: "  ")]
      let (a, b) = (pieces(titles[0]), pieces(titles[1]))
      let similarity = Double(a.intersection(b).count) / Double(a.union(b).count)
      var columns = ItemColumns(levels: 1)
      for id in ["a", "b"] {
        columns.append(id: id, record: ItemRecord(semanticID: SemanticID(codes: [0])))
      }
      try withInspectedSnapshot { _, snapshot in
        let own = GenerationSnapshot(manifest: snapshot.manifest, isCurrent: true, columns: columns, codebooks: [])
        let catalog = InspectionCatalog(
          item: { Item(id: "", title: titles[$0], text: "", image: nil) }, hashes: { _ in .init(text: nil, image: nil) }
        )
        let cause = CollisionInspection(own, catalog: catalog).largest.first?.cause
        #expect(cause == (similarity >= 0.7 ? .nearDuplicate : .coarseCodebook), "\(titles): \(similarity)")
      }
      if similarity >= 0.7 { near += 1 } else { far += 1 }
    }
    #expect(near > 10 && far > 10)
  }

  @Test func textsTooShortForAPieceAreNotAlike() throws {
    var columns = ItemColumns(levels: 1)
    for id in ["a", "b"] { columns.append(id: id, record: ItemRecord(semanticID: SemanticID(codes: [0]))) }
    try withInspectedSnapshot { _, snapshot in
      let own = GenerationSnapshot(manifest: snapshot.manifest, isCurrent: true, columns: columns, codebooks: [])
      let catalog = InspectionCatalog(
        item: { _ in Item(id: "", title: "mug", text: "", image: nil) }, hashes: { _ in .init(text: nil, image: nil) })
      #expect(CollisionInspection(own, catalog: catalog).largest.first?.cause == .coarseCodebook)
    }
  }

  /// Of a large bucket only the first members are compared; the others count as what hashes tell.
  @Test func onlySoManyMembersAreComparedPairByPair() throws {
    var columns = ItemColumns(levels: 1)
    for row in 0..<10 {
      columns.append(id: "\(row)", record: ItemRecord(semanticID: SemanticID(codes: [0]), contentHash: UInt64(row + 1)))
    }
    try withInspectedSnapshot { _, snapshot in
      let own = GenerationSnapshot(manifest: snapshot.manifest, isCurrent: true, columns: columns, codebooks: [])
      var options = CollisionInspection.Options()
      options.comparedMembers = 4
      options.representations = { Matrix(rows: $0.count, columns: 2) }
      let bucket = try #require(CollisionInspection(own, options: options).largest.first)
      #expect(bucket.causes?.nearDuplicate == 4 && bucket.causes?.coarseCodebook == 6)
      #expect(bucket.cause == .coarseCodebook)
      // The bound is of the squared distance, and belongs to what is near.
      options.comparedMembers = 10
      options.representations = { rows in
        Matrix(
          rows: rows.count, columns: 1, elements: ContiguousArray(rows.map { Float($0 / 2) + Float($0 % 2) * 0.125 }))
      }
      options.nearSquaredDistance = 0.015_625
      #expect(CollisionInspection(own, options: options).largest.first?.causes?.nearDuplicate == 10)
      options.nearSquaredDistance = 0.015_624
      #expect(CollisionInspection(own, options: options).largest.first?.causes?.coarseCodebook == 10)
    }
  }

  @Test func theCauseOfMostIsTheMoreTellingOfEquals() {
    var counts = CauseCounts()
    #expect(counts.most == nil)
    counts.coarseCodebook = 3
    #expect(counts.most == .coarseCodebook)
    counts.nearDuplicate = 3
    #expect(counts.most == .nearDuplicate)
    counts.equalImage = 4
    #expect(counts.most == .equalImage)
    counts.equalText = 4
    counts.equalContent = 4
    #expect(counts.most == .equalContent)
    #expect(CollisionCause.allCases.map { counts[$0] } == [4, 4, 4, 3, 3])
    #expect(Set(CollisionCause.allCases.map(\.explanation)).count == 5)
  }

  @Test(arguments: 0..<5 as Range<UInt64>) func codesAreShownByUseWithTheNearestItem(seed: UInt64) throws {
    let sizes = [40, 6]
    let generation = try RandomGeneration(60, sizes: sizes, seed: 300 + seed)
    // A manifest of three levels says nothing of two.
    let found = CodebookInspection(generation.snapshot, limit: 7)
    #expect(found.items == 60 && found.levels.map(\.level) == [1, 2])
    for (level, inspected) in found.levels.enumerated() {
      let used = Dictionary(grouping: 0..<60) { Int(generation.codes[$0][level]) }
      let order = (0..<inspected.metrics.size).sorted {
        (used[$1]?.count ?? 0, $0) < (used[$0]?.count ?? 0, $1)
      }
      #expect(inspected.mostUsed.map(\.code) == Array(order.prefix(7)))
      for use in inspected.mostUsed {
        let rows = used[use.code] ?? []
        #expect(use.items == rows.count && use.share == Double(rows.count) / 60)
        let nearest = rows.min { (generation.distances[$0], $0) < (generation.distances[$1], $1) }
        #expect(use.example?.id == nearest.map { String(format: "item-%05d", $0) })
      }
    }
    // Forty codes of sixty items leave some without any; the list of them is cut.
    let dead = found.levels[0].metrics.deadCodes
    let text = found.plainText()
    if dead.count > 16 {
      #expect(
        text.contains("dead codes: \(dead.prefix(16).map(String.init).joined(separator: " ")) … \(dead.count) in all\n")
      )
    } else if !dead.isEmpty {
      #expect(text.contains("dead codes: \(dead.map(String.init).joined(separator: " "))\n"))
    }
  }

  @Test(arguments: 0..<5 as Range<UInt64>) func everyChangeIsInOneGroup(seed: UInt64) throws {
    var random = RandomSource(seed: 400 + seed)
    let before = try RandomGeneration(80, sizes: [3, 3], seed: seed)
    // The later generation lacks some items, has others, and some with other codes.
    var columns = ItemColumns(levels: 2)
    var expected: [String: [String]] = [:]
    var unchanged = 0
    for row in 0..<80 {
      let id = before.snapshot.columns.ids[row]
      if Int.random(in: 0..<5, using: &random) == 0 {
        expected["removed", default: []].append(id)
        continue
      }
      var codes = before.codes[row]
      let change = Int.random(in: 0...3, using: &random)
      if change < 2 { codes[change] = (codes[change] + 1) % 3 }
      let suffix: UInt16 = change == 2 ? 5 : 0
      if change == 3 {
        unchanged += 1
      } else {
        expected[["level 1", "level 2", "suffix"][change], default: []].append(id)
      }
      columns.append(
        id: id,
        record: ItemRecord(semanticID: SemanticID(codes: codes, suffix: suffix), contentHash: before.contents[row]))
    }
    for number in 0..<7 {
      let id = "new-\(number)"
      expected["added", default: []].append(id)
      columns.append(id: id, record: ItemRecord(semanticID: SemanticID(codes: [0, 0])))
    }
    let after = GenerationSnapshot(
      manifest: before.snapshot.manifest, isCurrent: true, columns: columns, codebooks: before.snapshot.codebooks)
    let diff = GenerationDiff(from: before.snapshot, to: after, limit: 4)
    #expect(
      diff.groups.map(\.change) == ["level 1", "level 2", "suffix", "added", "removed"].filter { expected[$0] != nil })
    for group in diff.groups {
      let ids = expected[group.change] ?? []
      #expect(group.items == ids.count && group.examples.map(\.id) == Array(ids.prefix(4)), "\(group.change)")
      #expect(group.examples.allSatisfy { ($0.before == nil) == (group.change == "added") })
      #expect(group.examples.allSatisfy { ($0.after == nil) == (group.change == "removed") })
      #expect(group.examples.allSatisfy { !$0.contentChanged })
    }
    let text = diff.plainText()
    for (change, ids) in expected {
      #expect(text.contains("\n\(change): \(ids.count) item\(ids.count == 1 ? "" : "s")\n"))
      #expect(text.contains("  … and \(ids.count - 4) more\n") || ids.count <= 4)
    }
    #expect(diff.churn.sameContent.unchanged == unchanged)
  }
}

/// Terminals that show what strangers wrote.
@Suite struct TerminalTextTests {
  private static let hostile = [
    "\u{1B}[2J\u{1B}]0;owned\u{7}", "line\nbreak\r\ttab", "\u{202E}evil\u{2066}", "\u{0}\u{8}\u{7F}\u{9B}31m",
    "two\u{2028}lines\u{2029}", "\u{200B}\u{FEFF}hidden\u{200F}", "\u{E0041}tag", "\u{85}next",
  ]

  private func isHarmless(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { scalar in
      if scalar == "\n" { return true }
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: return false
      default: return true
      }
    }
  }

  @Test(arguments: hostile) func noInspectionLetsControlCharactersThrough(text: String) throws {
    try withInspectedSnapshot { _, snapshot in
      var columns = ItemColumns(levels: 1)
      for id in ["a", "b"] {
        columns.append(id: id + text, record: ItemRecord(semanticID: SemanticID(codes: [0])))
      }
      let own = GenerationSnapshot(manifest: snapshot.manifest, isCurrent: true, columns: columns, codebooks: [])
      let catalog = InspectionCatalog(
        item: { _ in Item(id: text, title: text, text: text, image: text) },
        hashes: { _ in .init(text: 1, image: 1) })
      let item = try ItemInspection("a" + text, own, catalog: catalog).plainText()
      let collisions = CollisionInspection(own, catalog: catalog).plainText()
      let codebooks = CodebookInspection(own, catalog: catalog).plainText()
      let diff = GenerationDiff(from: snapshot, to: own, catalog: catalog).plainText()
      for (name, output) in [("item", item), ("collisions", collisions), ("codebooks", codebooks), ("diff", diff)] {
        #expect(isHarmless(output), "\(name): \(output.debugDescription)")
        #expect(output.contains("a"))
      }
      // A line per row: what breaks lines must not have broken the table.
      #expect(collisions.split(separator: "\n").count { $0.hasPrefix("  0 ") } == 2, "\(collisions)")
    }
  }

  /// Titles are cut to columns, not letters, and never in the middle of one.
  @Test(arguments: [
    String(repeating: "a", count: 200), String(repeating: "茶", count: 200),
    String(repeating: "e\u{301}", count: 200), "a" + String(repeating: "壺", count: 100),
  ])
  func longTitlesAreCutToTheirColumns(title: String) throws {
    var columns = ItemColumns(levels: 1)
    for id in ["a", "b"] { columns.append(id: id, record: ItemRecord(semanticID: SemanticID(codes: [0]))) }
    try withInspectedSnapshot { _, snapshot in
      let own = GenerationSnapshot(manifest: snapshot.manifest, isCurrent: true, columns: columns, codebooks: [])
      let catalog = InspectionCatalog(
        item: { _ in Item(id: "", title: title, text: "", image: nil) }, hashes: { _ in .init(text: 1, image: nil) })
      let text = CollisionInspection(own, catalog: catalog).plainText()
      let cells = text.matches(of: /(?m)([^ \n]+…)/).map { String($0.1) }
      #expect(cells.count == 2)
      for cell in cells {
        let isWide = title.last == "茶" || title.last == "壺"
        let letters = cell.dropLast()
        #expect(title.hasPrefix(letters))
        let width = letters.reduce(0) { $0 + (isWide && $1 != "a" ? 2 : 1) }
        #expect((46...47).contains(width), "\(cell)")
      }
    }
  }

  @Test func aTitleOfExactlyTheWidthIsShownWhole() throws {
    let title = String(repeating: "x", count: 48)
    var columns = ItemColumns(levels: 1)
    for id in ["a", "b"] { columns.append(id: id, record: ItemRecord(semanticID: SemanticID(codes: [0]))) }
    try withInspectedSnapshot { _, snapshot in
      let own = GenerationSnapshot(manifest: snapshot.manifest, isCurrent: true, columns: columns, codebooks: [])
      func text(_ title: String) -> String {
        let catalog = InspectionCatalog(
          item: { _ in Item(id: "", title: title, text: "", image: nil) }, hashes: { _ in .init(text: 1, image: nil) })
        return CollisionInspection(own, catalog: catalog).plainText()
      }
      #expect(text(title).contains(title) && !text(title).contains("…"))
      #expect(text(title + "x").contains(String(repeating: "x", count: 47) + "…"))
    }
  }

  @Test func anItemWithoutATitleShowsTheBeginningOfItsText() throws {
    try withInspectedSnapshot { _, snapshot in
      let catalog = InspectionCatalog(
        item: { _ in Item(id: "", title: "", text: String(repeating: "w", count: 500), image: nil) },
        hashes: { _ in .init(text: nil, image: nil) })
      let found = try ItemInspection("a1", snapshot, catalog: catalog)
      #expect(found.item.title == String(repeating: "w", count: 120))
      #expect(found.plainText().contains("title     " + String(repeating: "w", count: 99) + "…\n"))
    }
  }

  /// Rows of any content keep their columns in line, and no line ends in spaces.
  @Test func columnsOfATableStayInLine() {
    var random = RandomSource(seed: 3)
    let letters: [Character] = ["a", "Z", "9", "茶", "é", "ü", "한", "-"]
    for _ in 0..<50 {
      func cell() -> String {
        String((0..<Int.random(in: 1...9, using: &random)).map { _ in letters.randomElement(using: &random)! })
      }
      var table = TextTable([("one", .left), ("two", .right), ("three", .left), ("", .right)])
      let rows = (0..<6).map { _ in (0..<4).map { _ in cell() } }
      for row in rows { table.append(row) }
      let lines = table.text().split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.count == 9 && lines.last == "")
      func width(_ text: some StringProtocol) -> Int {
        text.reduce(0) { $0 + ("茶한".contains($1) ? 2 : 1) }
      }
      #expect(lines.allSatisfy { $0.last != " " })
      // The last column is set to the right, so each row is as wide as the rule.
      for (row, line) in zip(rows, lines.dropFirst(2)) {
        #expect(width(line) == width(lines[1]), "\(line)")
        #expect(line.split(separator: " ").map(String.init) == row)
      }
    }
  }
}
