import Foundation
import ItemCatalog
import PipelineEngine
import Quantizers
import SemanticIDStore
import TensorMath
import TestSupport

/// A shop of a dozen items with one bucket of each cause, as a store and as a catalogue would hold it.
struct InspectionFixture {
  struct Entry {
    let item: Item
    let codes: [UInt16]
    var suffix: UInt16 = 0
    var flags: ItemFlags = []
    var distance: Float = 0.5
    var text: UInt64?
    var image: UInt64?

    var contentHash: UInt64 { (text ?? 3) &* 31 &+ (image ?? 5) }
  }

  let entries: [Entry]

  init() {
    let kettle = "A steel kettle with a long spout and a wooden handle that stays cool on the stove"
    func item(_ id: String, _ title: String, _ text: String = "", image: String? = nil) -> Item {
      Item(id: id, title: title, text: text, image: image)
    }
    entries = [
      // Equal content.
      Entry(item: item("a1", "Blue mug", "Holds tea"), codes: [0, 0, 0], distance: 0.1, text: 1, image: 1),
      Entry(item: item("a2", "Blue mug", "Holds tea"), codes: [0, 0, 0], suffix: 1, distance: 0.2, text: 1, image: 1),
      Entry(item: item("a3", "Blue mug", "Holds tea"), codes: [0, 0, 0], suffix: 2, distance: 0.3, text: 1, image: 1),
      // Equal text, other images.
      Entry(item: item("b1", "Poster", image: "b1.jpg"), codes: [0, 1, 0], text: 2, image: 21),
      Entry(item: item("b2", "Poster", image: "b2.jpg"), codes: [0, 1, 0], suffix: 1, text: 2, image: 22),
      // Equal image, other texts.
      Entry(item: item("c1", "Green lamp", "For desks"), codes: [1, 0, 0], text: 31, image: 3),
      Entry(item: item("c2", "Yellow sofa", "Seats three"), codes: [1, 0, 0], suffix: 1, text: 32, image: 3),
      // Near duplicates by their words.
      Entry(item: item("d1", "Kettle", kettle), codes: [1, 1, 2], text: 41, image: 41),
      Entry(item: item("d2", "Kettle", kettle + "."), codes: [1, 1, 2], suffix: 1, text: 42, image: 42),
      // Unlike items.
      Entry(item: item("e1", "Garden hose", "Twenty metres"), codes: [2, 1, 1], text: 51, image: 51),
      Entry(item: item("e2", "Opera recording", "Two discs"), codes: [2, 1, 1], suffix: 1, text: 52, image: 52),
      // Alone.
      Entry(
        item: item("f1", "Bread\u{1B}[2Jknife"), codes: [2, 2, 3], flags: [.moved, .imageMissing], distance: 0.9,
        text: 6),
    ]
  }

  func columns(_ entries: [Entry]) -> ItemColumns {
    var columns = ItemColumns(levels: 3)
    for entry in entries.sorted(by: { $0.item.id.utf8.lexicographicallyPrecedes($1.item.id.utf8) }) {
      columns.append(
        id: entry.item.id,
        record: ItemRecord(
          semanticID: SemanticID(codes: entry.codes, suffix: entry.suffix), flags: entry.flags,
          distance: entry.distance, contentHash: entry.contentHash))
    }
    return columns
  }

  var codebooks: [StoredCodebook] {
    [4, 4, 5].map { StoredCodebook(size: $0, dimensions: 2, centroids: Array(repeating: 0.5, count: $0 * 2)) }
  }

  func draft(_ entries: [Entry], parent: UInt64? = nil, metrics: [String: Double] = [:]) -> GenerationDraft {
    GenerationDraft(
      items: columns(entries), codebooks: codebooks, parent: parent, createdAt: "2026-11-22T01:45:00Z",
      metrics: metrics)
  }

  /// A store in `path` with one generation of the entries.
  func store(at path: String) throws -> SemanticIDStore {
    let store = try SemanticIDStore.open(path, mode: .readWrite)
    _ = try store.publish(draft(entries, metrics: ["collisionRate": 0.9167, "a": 1, "b": 2, "c": 3, "d": 4]))
    return store
  }

  /// What a catalogue of the entries knows of the snapshot's rows.
  func catalog(_ snapshot: GenerationSnapshot) -> InspectionCatalog {
    let byID = Dictionary(uniqueKeysWithValues: entries.map { ($0.item.id, $0) })
    let rows = (0..<snapshot.count).map { byID[snapshot.columns.ids[$0]] }
    let items = rows.map { $0?.item }, texts = rows.map { $0?.text }, images = rows.map { $0?.image }
    return InspectionCatalog(
      item: { items[$0] }, hashes: { InspectionCatalog.PartHashes(text: texts[$0], image: images[$0]) })
  }

  /// The second night: one item gone, one new, one with new content and codes, one moved without reason, one suffix.
  var secondNight: [Entry] {
    var later = entries.filter { $0.item.id != "f1" }
    func change(_ id: String, _ body: (Entry) -> Entry) {
      later = later.map { $0.item.id == id ? body($0) : $0 }
    }
    change("e2") { Entry(item: $0.item, codes: [3, 0, 0], text: 99, image: 52) }
    change("d2") { Entry(item: $0.item, codes: [1, 1, 4], text: $0.text, image: $0.image) }
    change("a3") { Entry(item: $0.item, codes: $0.codes, suffix: 7, text: $0.text, image: $0.image) }
    later.append(Entry(item: Item(id: "e15", title: "Tent"), codes: [3, 3, 3], flags: .newer, text: 70, image: nil))
    return later
  }
}

/// Loads the fixture's generation through a store on disk.
func withInspectedStore(_ body: (InspectionFixture, SemanticIDStore, GenerationSnapshot) throws -> Void) throws {
  try withTemporaryDirectory { directory in
    let fixture = InspectionFixture()
    let store = try fixture.store(at: directory + "/store")
    try body(fixture, store, GenerationSnapshot(store: store))
  }
}

/// The fixture's generation, published, loaded and removed once for all tests that only look at it: a commit waits
/// for the disk.
private let loadedSnapshot = Result {
  var loaded: GenerationSnapshot?
  try withInspectedStore { _, _, snapshot in loaded = snapshot }
  guard let loaded else { throw PipelineError(.internalFault, "no snapshot was loaded") }
  return loaded
}

/// As `withInspectedStore`, for tests that need no store of their own.
func withInspectedSnapshot(_ body: (InspectionFixture, GenerationSnapshot) throws -> Void) throws {
  try body(InspectionFixture(), loadedSnapshot.get())
}
