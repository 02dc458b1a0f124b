internal import Glibc

/// Walks the pages of `data.mdb` that are reachable from its newest meta page and checks all that LMDB takes on trust:
/// it follows offsets and page numbers without looking, so damaged pages can end the process inside the library. A file
/// that passes can be read without that; what its entries say is `GenerationReader.verify`'s business.
///
/// Page format: mdb.c of LMDB 0.9 (`MDB_page`, `MDB_node`, `MDB_db`), 64-bit, little-endian. Memory: one page per level
/// and one bit per page.
struct PageCheck: ~Copyable {
  private enum PageFlags {
    static let branch: UInt16 = 1
    static let leaf: UInt16 = 2
    static let overflow: UInt16 = 4
    /// Flags that only live in memory or say nothing about the page's form.
    static let ignored: UInt16 = 0x10 | 0x4000 | 0x8000
    static let subPage: UInt16 = 0x40
  }

  private enum NodeFlags {
    static let overflow: UInt16 = 1
    static let tree: UInt16 = 2
    static let duplicates: UInt16 = 4
  }

  /// What kind of values a tree's leaves hold.
  private enum TreeKind { case free, names, plain, sorted, duplicates }

  private static let header = 16
  private static let nodeHeader = 8
  private static let treeRecord = 48
  private static let duplicatesFlag: UInt16 = 0x04

  private let path: String
  private let descriptor: Int32
  private let meta: DataFile.Meta
  /// One bit per page: reached, or on the free list.
  private var seen: [UInt64]

  private init(path: String, descriptor: Int32, meta: DataFile.Meta) {
    self.path = path
    self.descriptor = descriptor
    self.meta = meta
    seen = Array(repeating: 0, count: Int(meta.lastPage / 64) + 1)
  }

  /// Throws `damaged` where a page is not what LMDB would have written. Safe on any bytes, and beside a writer: where one
  /// replaced the tree under the walk, the walk begins again, and after a few times it gives up with `busy`.
  static func run(_ path: String) throws(StoreError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", errno, path) }
    defer { close(descriptor) }
    for _ in 0..<5 {
      let meta = try DataFile.newestMeta(descriptor, path)
      // A page number beyond the file would make the bit set huge before it is found wrong.
      let size = Int(lseek(descriptor, 0, SEEK_END))
      guard meta.lastPage <= UInt64(size / meta.pageSize) + 1_000_000 else {
        throw StoreError(.damaged, "\(path): the meta page counts \(meta.lastPage) pages in a file of \(size) bytes")
      }
      do throws(StoreError) {
        var check = PageCheck(path: path, descriptor: descriptor, meta: meta)
        try check.walk(meta.freeTree, .free)
        try check.walk(meta.mainTree, .names)
        return
      } catch {
        guard try DataFile.newestMeta(descriptor, path) != meta else { throw error }
      }
    }
    throw StoreError(.busy, "\(path) is being written too fast to be checked; try again when the publish is done")
  }

  private func damaged(_ page: UInt64, _ what: String) -> StoreError {
    StoreError(
      .damaged, "\(path), page \(page): \(what); restore the store from a copy or publish into a new folder")
  }

  // MARK: Trees

  private mutating func walk(_ tree: DataFile.Tree, _ kind: TreeKind) throws(StoreError) {
    guard tree.root != .max else {
      guard tree.entries == 0 else { throw damaged(0, "a tree of \(tree.entries) entries has no root") }
      return
    }
    guard (1...31).contains(tree.depth) else { throw damaged(tree.root, "a tree is \(tree.depth) levels deep") }
    let entries = try walk(page: tree.root, depth: Int(tree.depth), kind)
    guard entries == tree.entries else {
      throw damaged(tree.root, "a tree of \(tree.entries) entries holds \(entries)")
    }
  }

  /// Entries below the page.
  private mutating func walk(page number: UInt64, depth: Int, _ kind: TreeKind) throws(StoreError) -> UInt64 {
    let page = try read(number, pages: 1)
    let flags = page.u16(10) & ~PageFlags.ignored
    guard flags == (depth == 1 ? PageFlags.leaf : PageFlags.branch) else {
      throw damaged(number, "flags \(flags) at \(depth) levels above the leaves")
    }
    let nodes = try nodes(of: page, number)
    var entries: UInt64 = 0
    if depth > 1 {
      guard nodes.count >= 2 else { throw damaged(number, "a branch with \(nodes.count) children") }
      for (index, node) in nodes.enumerated() {
        guard index == 0 || node.keySize > 0, node.offset + Self.nodeHeader + node.keySize <= page.bytes.count else {
          throw damaged(number, "a branch's key leaves the page")
        }
        entries += try walk(page: node.child, depth: depth - 1, kind)
      }
      return entries
    }
    for node in nodes { entries += try check(node, in: page, number, kind) }
    return entries
  }

  /// A leaf's node: the number of entries it stands for.
  private mutating func check(
    _ node: Node, in page: Page, _ number: UInt64, _ kind: TreeKind
  ) throws(StoreError) -> UInt64 {
    let data = node.offset + Self.nodeHeader + node.keySize
    let inPage = node.flags & NodeFlags.overflow != 0 ? 8 : node.dataSize
    guard data + inPage <= page.bytes.count, (1...511).contains(node.keySize) else {
      throw damaged(number, "a node leaves the page")
    }
    switch (kind, node.flags) {
    case (.plain, NodeFlags.overflow), (.free, NodeFlags.overflow):
      let content = try overflow(page.u64(data), size: node.dataSize)
      if case .free = kind { try checkFreeList(content, number) }
    case (.free, 0):
      try checkFreeList(page.bytes[data..<data + node.dataSize], number)
    case (.plain, 0), (.sorted, 0), (.duplicates, 0): break
    case (.names, NodeFlags.tree):
      let record = try tree(page, data, node.dataSize, number)
      try walk(record, record.flags & Self.duplicatesFlag != 0 ? .sorted : .plain)
    case (.sorted, NodeFlags.duplicates | NodeFlags.tree):
      let record = try tree(page, data, node.dataSize, number)
      try walk(record, .duplicates)
      return record.entries
    case (.sorted, NodeFlags.duplicates):
      return try checkSubPage(page, data, node.dataSize, number)
    default:
      throw damaged(number, "a node has flags \(node.flags)")
    }
    return 1
  }

  private func tree(
    _ page: Page, _ offset: Int, _ size: Int, _ number: UInt64
  ) throws(StoreError) -> DataFile.Tree {
    guard size == Self.treeRecord else { throw damaged(number, "a tree's record of \(size) bytes") }
    let tree = DataFile.Tree(in: page.bytes, at: offset)
    guard tree.flags & ~Self.duplicatesFlag == 0 else { throw damaged(number, "a tree has flags \(tree.flags)") }
    return tree
  }

  /// A few values of one key, kept inside their node as a page of their own.
  private func checkSubPage(
    _ page: Page, _ start: Int, _ size: Int, _ number: UInt64
  ) throws(StoreError) -> UInt64 {
    guard size >= Self.header else { throw damaged(number, "a sub-page of \(size) bytes") }
    let sub = Page(bytes: Array(page.bytes[start..<start + size]))
    let flags = sub.u16(10) & ~PageFlags.ignored
    guard flags == PageFlags.leaf | PageFlags.subPage else { throw damaged(number, "a sub-page has flags \(flags)") }
    let nodes = try nodes(of: sub, number)
    for node in nodes {
      guard node.flags == 0, node.dataSize == 0, (1...511).contains(node.keySize),
        node.offset + Self.nodeHeader + node.keySize <= size
      else { throw damaged(number, "a node leaves its sub-page") }
    }
    guard !nodes.isEmpty else { throw damaged(number, "an empty sub-page") }
    return UInt64(nodes.count)
  }

  // MARK: Pages

  private struct Page {
    var bytes: [UInt8]
    func u16(_ offset: Int) -> UInt16 { DataFile.number(bytes, offset, UInt16.self) }
    func u64(_ offset: Int) -> UInt64 { DataFile.number(bytes, offset, UInt64.self) }
  }

  private struct Node {
    var offset: Int
    var dataSize: Int
    var flags: UInt16
    var keySize: Int
    /// The page below, in a branch.
    var child: UInt64
  }

  private func nodes(of page: Page, _ number: UInt64) throws(StoreError) -> [Node] {
    let (lower, upper) = (Int(page.u16(12)), Int(page.u16(14)))
    guard lower >= Self.header, lower % 2 == 0, lower <= upper, upper <= page.bytes.count else {
      throw damaged(number, "its free space is from \(lower) to \(upper)")
    }
    var nodes: [Node] = []
    nodes.reserveCapacity((lower - Self.header) / 2)
    for slot in stride(from: Self.header, to: lower, by: 2) {
      let offset = Int(page.u16(slot))
      guard offset >= upper, offset + Self.nodeHeader <= page.bytes.count else {
        throw damaged(number, "a node at \(offset)")
      }
      let (low, high, flags) = (page.u16(offset), page.u16(offset + 2), page.u16(offset + 4))
      let size = UInt32(low) | UInt32(high) << 16
      nodes.append(
        Node(
          offset: offset, dataSize: Int(size), flags: flags, keySize: Int(page.u16(offset + 6)),
          child: UInt64(size) | UInt64(flags) << 32))
    }
    return nodes
  }

  /// Reads pages that nothing reached before; two ways to one page mean that one of them is wrong.
  private mutating func read(_ number: UInt64, pages: Int) throws(StoreError) -> Page {
    guard number >= 2, number <= meta.lastPage, meta.lastPage - number >= UInt64(pages - 1) else {
      throw damaged(number, "there are pages 2 to \(meta.lastPage)")
    }
    for page in number..<number + UInt64(pages) { try mark(page) }
    var bytes = [UInt8](repeating: 0, count: pages * meta.pageSize)
    let offset = off_t(number) * off_t(meta.pageSize)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, offset) }
    guard count == bytes.count else { throw damaged(number, "the file ends before the page does") }
    let page = Page(bytes: bytes)
    guard page.u64(0) == number else { throw damaged(number, "it says that it is page \(page.u64(0))") }
    return page
  }

  private mutating func mark(_ page: UInt64) throws(StoreError) {
    let (word, bit) = (Int(page / 64), UInt64(1) << (page % 64))
    guard seen[word] & bit == 0 else { throw damaged(page, "it is in use twice") }
    seen[word] |= bit
  }

  /// A value too big for its page.
  private mutating func overflow(_ number: UInt64, size: Int) throws(StoreError) -> ArraySlice<UInt8> {
    let pages = (Self.header - 1 + size) / meta.pageSize + 1
    let page = try read(number, pages: pages)
    let count = DataFile.number(page.bytes, 12, UInt32.self)
    guard page.u16(10) & ~PageFlags.ignored == PageFlags.overflow, count == UInt32(truncatingIfNeeded: pages) else {
      throw damaged(number, "it is not the beginning of \(pages) overflow pages")
    }
    return page.bytes[Self.header..<Self.header + size]
  }

  /// Pages that the next writer will overwrite: none may be in use.
  private mutating func checkFreeList(_ list: ArraySlice<UInt8>, _ number: UInt64) throws(StoreError) {
    let bytes = Array(list)
    guard bytes.count >= 8 else { throw damaged(number, "a free list of \(bytes.count) bytes") }
    let count = DataFile.number(bytes, 0, UInt64.self)
    guard count <= UInt64(bytes.count / 8 - 1) else {
      throw damaged(number, "a free list of \(count) pages in \(bytes.count) bytes")
    }
    for index in 0..<Int(count) {
      let page = DataFile.number(bytes, 8 * (index + 1), UInt64.self)
      guard (2...meta.lastPage).contains(page) else { throw damaged(number, "page \(page) is on the free list") }
      try mark(page)
    }
  }
}
