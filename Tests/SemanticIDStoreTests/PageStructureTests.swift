import Foundation
import SemanticIDStore
import TestSupport
import Testing

/// One wrong field of LMDB's page format at a time: each is found, and said to be what it is. The offsets are those of
/// mdb.c (`MDB_page`, `MDB_meta`, `MDB_db`, `MDB_node`), written out here once more.
@Suite struct PageStructureTests {
  /// A data file's bytes and where its parts lie.
  struct Pages {
    var bytes: [UInt8]

    func number(_ offset: Int, _ size: Int) -> UInt64 {
      bytes[offset..<offset + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func set(_ value: UInt64, _ offset: Int, _ size: Int) {
      for index in 0..<size { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }

    /// Where the meta page lies that counts, and the other one.
    var newest: Int { number(4096 + 144, 8) > number(144, 8) ? 4096 : 0 }
    var oldest: Int { 4096 - newest }
    /// `MDB_db` records of the newest meta page.
    var freeTree: Int { newest + 40 }
    var mainTree: Int { newest + 88 }
    /// The page on which a tree's root is, as an offset into the file.
    func root(_ tree: Int) -> Int { Int(number(tree + 40, 8)) * 4096 }
    var lastPage: UInt64 { number(newest + 136, 8) }

    /// The `index`th node of a page.
    func node(_ page: Int, _ index: Int) -> Int { page + Int(number(page + 16 + 2 * index, 2)) }
    /// Where a node's data begins.
    func data(_ node: Int) -> Int { node + 8 + Int(number(node + 6, 2)) }
  }

  struct Change: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let message: @Sendable (Pages) -> String
    let apply: @Sendable (inout Pages) -> Void

    init(
      _ testDescription: String, _ message: @escaping @Sendable (Pages) -> String,
      _ apply: @escaping @Sendable (inout Pages) -> Void
    ) {
      self.testDescription = testDescription
      self.message = message
      self.apply = apply
    }
  }

  static let changes: [Change] = [
    Change("the names' tree counts one entry more", { "a tree of \($0.number($0.mainTree + 32, 8)) entries holds 6" }) {
      $0.set($0.number($0.mainTree + 32, 8) + 1, $0.mainTree + 32, 8)
    },
    Change("no depth", { _ in "a tree is 0 levels deep" }) { $0.set(0, $0.mainTree + 6, 2) },
    Change("a depth beyond LMDB's", { _ in "a tree is 32 levels deep" }) { $0.set(32, $0.mainTree + 6, 2) },
    Change("a depth that the page denies", { _ in "flags 2 at 2 levels above the leaves" }) {
      $0.set(2, $0.mainTree + 6, 2)
    },
    Change("entries without a root", { _ in "a tree of 6 entries has no root" }) { $0.set(.max, $0.mainTree + 40, 8) },
    Change("a root past the last page", { "there are pages 2 to \($0.lastPage)" }) {
      $0.set($0.lastPage + 1, $0.mainTree + 40, 8)
    },
    Change("a meta page for a root", { "page 1: there are pages 2 to \($0.lastPage)" }) {
      $0.set(1, $0.mainTree + 40, 8)
    },
    Change("a page that says it is another", { _ in "it says that it is page 77" }) {
      $0.set(77, $0.root($0.mainTree), 8)
    },
    Change("a leaf that says it is a branch", { _ in "flags 1 at 1 levels above the leaves" }) {
      $0.set(1, $0.root($0.mainTree) + 10, 2)
    },
    Change("free space that begins in the header", { _ in "its free space is from 14 to" }) {
      $0.set(14, $0.root($0.mainTree) + 12, 2)
    },
    Change("free space that begins at an odd byte", { _ in "its free space is from 27 to" }) {
      $0.set(27, $0.root($0.mainTree) + 12, 2)
    },
    Change("free space that ends past the page", { _ in "to 4098" }) { $0.set(4098, $0.root($0.mainTree) + 14, 2) },
    Change("a node past the page", { _ in "a node at 4093" }) { $0.set(4093, $0.root($0.mainTree) + 16, 2) },
    Change("a node in the free space", { _ in "a node at 30" }) { $0.set(30, $0.root($0.mainTree) + 16, 2) },
    Change("a key past the page", { _ in "a node leaves the page" }) {
      $0.set(5_000, $0.node($0.root($0.mainTree), 0) + 6, 2)
    },
    Change("a key of no bytes", { _ in "a node leaves the page" }) {
      $0.set(0, $0.node($0.root($0.mainTree), 0) + 6, 2)
    },
    Change("a node of flags that LMDB has not", { _ in "a node has flags 8" }) {
      $0.set(8, $0.node($0.root($0.mainTree), 0) + 4, 2)
    },
    Change("a name whose value is no tree", { _ in "a node has flags 0" }) {
      $0.set(0, $0.node($0.root($0.mainTree), 1) + 4, 2)
    },
    Change("a tree's record of another size", { _ in "a tree's record of 47 bytes" }) {
      $0.set(47, $0.node($0.root($0.mainTree), 2), 2)
    },
    Change("a tree of integer keys", { _ in "a tree has flags 8" }) {
      $0.set(8, $0.data($0.node($0.root($0.mainTree), 3)) + 4, 2)
    },
    Change("two names of one tree", { _ in "it is in use twice" }) {
      let page = $0.root($0.mainTree)
      // `items/` and `meta` are both plain trees: the second gets the first's root.
      let (items, meta) = ($0.data($0.node(page, 2)), $0.data($0.node(page, 4)))
      $0.set($0.number(items + 40, 8), meta + 40, 8)
    },
    Change("a free list longer than its value", { _ in "a free list of 1000000 pages in" }) {
      $0.set(1_000_000, $0.data($0.node($0.root($0.freeTree), 0)), 8)
    },
    Change("a meta page on the free list", { _ in "page 1 is on the free list" }) {
      $0.set(1, $0.data($0.node($0.root($0.freeTree), 0)) + 8, 8)
    },
    Change("a page in use on the free list", { "page \($0.number($0.mainTree + 40, 8)): it is in use twice" }) {
      $0.set($0.number($0.mainTree + 40, 8), $0.data($0.node($0.root($0.freeTree), 0)) + 8, 8)
    },
    Change("more pages than a file can have", { _ in "the meta page counts 1099511627776 pages" }) {
      $0.set(1 << 40, $0.newest + 136, 8)
    },
    Change("no magic number in the first page", { _ in "the first page is not an LMDB meta page" }) {
      $0.set(0, 16, 4)
    },
    Change("another version in the second page", { _ in "the second page is not an LMDB meta page" }) {
      $0.set(2, 4096 + 20, 4)
    },
    Change("pages of a size that is no power of two", { _ in "the first page is not an LMDB meta page" }) {
      $0.set(4_097, 40, 4)
    },
    Change("meta pages that differ about the size", { _ in "the second page is not an LMDB meta page" }) {
      $0.set(8_192, 4096 + 40, 4)
    },
  ]

  private func withPublishedPages(_ body: (_ folder: String, _ pages: Pages) throws -> Void) throws {
    try withTemporaryDirectory { (folder) throws in
      do {
        let store = try SemanticIDStore.open(folder, mode: .readWrite)
        var options = SemanticIDStore.PublishOptions()
        options.keepGenerations = 1
        for seed in 1...2 { try store.publish(makeDraft(items: 300, seed: seed), options: options) }
      }
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: folder + "/data.mdb")))
      try body(folder, Pages(bytes: bytes))
    }
  }

  @Test(arguments: changes) func aWrongFieldIsFoundAndNamed(change: Change) throws {
    try withPublishedPages { (folder, pages) throws in
      try #require(pages.number(pages.mainTree + 6, 2) == 1 && pages.number(pages.freeTree + 6, 2) == 1)
      try SemanticIDStore.checkFile(folder)
      var changed = pages
      change.apply(&changed)
      try #require(changed.bytes != pages.bytes)
      let path = folder + "/data.mdb"
      try Data(changed.bytes).write(to: URL(fileURLWithPath: path))
      let error = storeError { try SemanticIDStore.checkFile(folder) }
      #expect(error?.code == .damaged)
      #expect(error?.message.contains(change.message(changed)) == true, "\(error?.message ?? "")")
      #expect(error?.message.hasPrefix(path) == true)
    }
  }

  /// A commit writes the meta page that is not in use, so that one is always whole.
  @Test func damageToTheMetaPageThatIsNotInUseIsNone() throws {
    try withPublishedPages { (folder, pages) throws in
      var changed = pages
      changed.set(1 << 30, changed.oldest + 88 + 40, 8)
      changed.set(9, changed.oldest + 88 + 6, 2)
      try Data(changed.bytes).write(to: URL(fileURLWithPath: folder + "/data.mdb"))
      try SemanticIDStore.checkFile(folder)
      #expect(try HelperProcess.run(["probe", folder]).lines == ["intact 2"])
    }
  }

  @Test func checkingWhereNothingIsSaysSo() throws {
    try withTemporaryDirectory { (folder) throws in
      let error = storeError { try SemanticIDStore.checkFile(folder) }
      #expect(error?.code == .notFound)
      #expect(error?.message == "\(folder): no data.mdb there; nothing was published yet")
      try FileManager.default.createDirectory(atPath: folder + "/data.mdb", withIntermediateDirectories: false)
      #expect(storeErrorCode { try SemanticIDStore.checkFile(folder) } == .damaged)
    }
  }

  /// Values of one key may lie in their node, on a sub-page, or in a tree of their own.
  @Test(arguments: [1, 2, 30, 90, 5_000]) func bucketsOfEverySizePassTheCheck(count: Int) throws {
    try withTemporaryDirectory { (folder) throws in
      var items = ItemColumns(levels: 1)
      for row in 0..<count { items.append(id: "item-\(row)", record: ItemRecord(semanticID: SemanticID(codes: [1]))) }
      // A large value of another database lies on overflow pages.
      let codebook = StoredCodebook(
        size: 2_000, dimensions: 3, centroids: [Float](repeating: 1, count: 6_000))
      let store = try SemanticIDStore.open(folder, mode: .readWrite)
      try store.publish(GenerationDraft(items: items, codebooks: [codebook]))
      try SemanticIDStore.checkFile(folder)
      #expect(try store.verify().semanticIDs == 1)
    }
  }
}
