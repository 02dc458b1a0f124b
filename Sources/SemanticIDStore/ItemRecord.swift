/// What the night had to note about an item; the values are part of the layout.
public struct ItemFlags: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The item has no text; its representation fills the gap.
  public static let textMissing = ItemFlags(rawValue: 1)
  /// The item has no image, or one that could not be read.
  public static let imageMissing = ItemFlags(rawValue: 2)
  /// The collision policy gave the item another code than its nearest centroid.
  public static let moved = ItemFlags(rawValue: 4)
  /// The item arrived after the codebooks were trained.
  public static let newer = ItemFlags(rawValue: 8)

  /// The rule, from 1, that chose the item's text encoder; nil where the pipeline has one encoder for all texts, or the
  /// item has no text vector. The upper half of the bits.
  public var textRoute: Int? { rawValue >> 4 == 0 ? nil : Int(rawValue >> 4) }

  /// - Parameter textRoute: From 1 to 15.
  public init(textRoute: Int) {
    precondition((1...15).contains(textRoute), "a record has room for 15 routes, not for number \(textRoute)")
    self.init(rawValue: UInt8(textRoute) << 4)
  }
}

/// The part of an item's record that has a fixed size; `ItemRecord` adds the codes.
public struct ItemFields: Sendable, Hashable {
  public var suffix: UInt16
  public var flags: ItemFlags
  /// ‖residual after the last level‖ at the time the item was encoded.
  public var distance: Float
  /// Hash of the item's content, by which the next night knows whether it changed.
  public var contentHash: UInt64

  public init(suffix: UInt16, flags: ItemFlags, distance: Float, contentHash: UInt64) {
    self.suffix = suffix
    self.flags = flags
    self.distance = distance
    self.contentHash = contentHash
  }
}

/// What the store keeps of one item.
public struct ItemRecord: Sendable, Hashable {
  public var semanticID: SemanticID
  public var flags: ItemFlags
  /// ‖residual after the last level‖ at the time the item was encoded.
  public var distance: Float
  /// Hash of the item's content, by which the next night knows whether it changed.
  public var contentHash: UInt64

  public init(semanticID: SemanticID, flags: ItemFlags = [], distance: Float = 0, contentHash: UInt64 = 0) {
    self.semanticID = semanticID
    self.flags = flags
    self.distance = distance
    self.contentHash = contentHash
  }
}

/// One entry of the `codes/` direction: an item and the semantic ID it is filed under.
public struct ScannedItem: Sendable, Hashable {
  public var semanticID: SemanticID
  public var id: String

  public init(semanticID: SemanticID, id: String) {
    self.semanticID = semanticID
    self.id = id
  }
}
