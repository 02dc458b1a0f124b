internal import Foundation
internal import Glibc
internal import Synchronization

/// The product's side of `peers/store.py`: the same items and codes in the same two directions, then random reads.
package enum StoreBenchmark {
  /// Figures under the peer's JSON keys, and the same publish with everything read back and compared.
  package struct Result: Sendable, Codable {
    package var items: Int
    package var publishSeconds: Double
    package var itemsPerSecond: Int
    /// One call per item, in random order, as the peer reads.
    package var readsPerSecond: Int
    /// The same ids in one call.
    package var batchedReadsPerSecond: Int
    /// One call per item, on two threads together.
    package var twoThreadReadsPerSecond: Int
    package var verifiedPublishSeconds: Double
    package var verifiedItemsPerSecond: Int

    enum CodingKeys: String, CodingKey {
      case items
      case publishSeconds = "publish_s"
      case itemsPerSecond = "items_per_s"
      case readsPerSecond = "reads_per_s"
      case batchedReadsPerSecond = "batched_reads_per_s"
      case twoThreadReadsPerSecond = "two_thread_reads_per_s"
      case verifiedPublishSeconds = "verified_publish_s"
      case verifiedItemsPerSecond = "verified_items_per_s"
    }
  }

  /// Publishes `items` items of three codes out of 8,192 twice, without and with verification, each into a new store
  /// under `directory`, and reads 200,000 random records: one by one, in one batch, and on two threads. The stores are deleted afterwards.
  package static func run(items: Int, directory: String = NSTemporaryDirectory(), seed: UInt64 = 0) throws -> Result {
    var random = SplitMix(state: seed)
    let draft = GenerationDraft(items: randomItems(items, using: &random))
    let verified = try withStore(directory) { store in try seconds { try publish(draft, to: store, verifies: true) } }
    let keys = (0..<200_000).map { _ in draft.items.ids[Int(random.next() % UInt64(max(1, items)))] }
    let (plain, reads) = try withStore(directory) { store in
      let plain = try seconds { try publish(draft, to: store, verifies: false) }
      return (plain, try Reads(keys, from: store))
    }
    return Result(
      items: items, publishSeconds: plain, itemsPerSecond: Int(Double(items) / plain),
      readsPerSecond: Int(Double(keys.count) / reads.single),
      batchedReadsPerSecond: Int(Double(keys.count) / reads.batched),
      twoThreadReadsPerSecond: Int(Double(keys.count) / reads.twoThreads), verifiedPublishSeconds: verified,
      verifiedItemsPerSecond: Int(Double(items) / verified))
  }

  /// Seconds that each way of reading the keys takes.
  private struct Reads {
    let single, batched, twoThreads: Double

    init(_ keys: [String], from store: SemanticIDStore) throws {
      single = try store.read { reader in
        try seconds { for key in keys { _ = try reader.record(forItem: key) } }
      }
      batched = try store.read { reader in
        // The column of ids is part of the work, as making keys is the peer's.
        try seconds { try reader.forEachRow(of: IdentifierColumn(keys)) { _, _, _ in } }
      }
      let halves = [keys[..<(keys.count / 2)], keys[(keys.count / 2)...]]
      let failures = Mutex(0)
      twoThreads = seconds {
        DispatchQueue.concurrentPerform(iterations: 2) { half in
          do {
            try store.read { reader in for key in halves[half] { _ = try reader.record(forItem: key) } }
          } catch {
            failures.withLock { $0 += 1 }
          }
        }
      }
      guard failures.withLock({ $0 }) == 0 else { throw StoreError(.system, "a reading thread failed") }
    }
  }

  private static func randomItems(_ count: Int, using random: inout SplitMix) -> ItemColumns {
    var columns = ItemColumns(levels: 3)
    columns.reserveCapacity(rows: count, identifierBytes: count * 17)
    for row in 0..<count {
      let digits = String(row)
      let id = "item-" + String(repeating: "0", count: max(0, 12 - digits.count)) + digits
      let codes = (0..<3).map { _ in UInt16(truncatingIfNeeded: random.next() % 8192) }
      columns.append(id: id, record: ItemRecord(semanticID: SemanticID(codes: codes)))
    }
    return columns
  }

  private static func publish(_ draft: GenerationDraft, to store: SemanticIDStore, verifies: Bool) throws {
    var options = SemanticIDStore.PublishOptions()
    options.verifies = verifies
    try store.publish(draft, options: options)
  }

  private static func withStore<Value>(_ directory: String, _ body: (SemanticIDStore) throws -> Value) throws -> Value {
    let folder = URL(fileURLWithPath: directory).appendingPathComponent("tessera-bench-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(try SemanticIDStore.open(folder, mode: .readWrite))
  }

  private static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    try body()
    return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
  }
}

/// SplitMix64 (Steele, Lea, Flood 2014); this target depends on no other that has a generator.
private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
