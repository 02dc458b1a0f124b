/// What happens to items that share all codes.
public enum CollisionPolicy: String, Sendable, CaseIterable, Codable {
  /// Items may share a semantic ID.
  case keep

  /// Items that share codes are told apart by a suffix.
  case suffix

  /// Items move to the nearest free code at the last level; what finds none gets a suffix.
  case relocate
}

/// The rows whose semantic ID is published already and never moves.
public struct FixedRows: Sendable, Equatable {
  /// Per row, whether its codes and suffix are final.
  public let isFixed: ContiguousArray<Bool>

  /// Per row, its published suffix; ignored where the row is not fixed.
  public let suffixes: ContiguousArray<UInt16>

  public init(isFixed: ContiguousArray<Bool>, suffixes: ContiguousArray<UInt16>) {
    precondition(
      isFixed.count == suffixes.count, "\(suffixes.count) suffixes for \(isFixed.count) rows")
    self.isFixed = isFixed
    self.suffixes = suffixes
  }

  /// No row is fixed: a first night.
  public static func none(count: Int) -> FixedRows {
    FixedRows(
      isFixed: ContiguousArray(repeating: false, count: count), suffixes: ContiguousArray(repeating: 0, count: count))
  }
}

/// One item that got another code at the last level.
public struct CodeMove: Sendable, Equatable, Codable {
  public let row: Int
  public let from: UInt16
  public let to: UInt16

  /// Distance from the item's residual to its own code's centroid and to the one it moved to.
  public let distanceBefore: Float
  public let distanceAfter: Float

  public init(row: Int, from: UInt16, to: UInt16, distanceBefore: Float, distanceAfter: Float) {
    self.row = row
    self.from = from
    self.to = to
    self.distanceBefore = distanceBefore
    self.distanceAfter = distanceAfter
  }
}

/// Codes after a collision policy.
public struct ResolvedCodes: Sendable, Equatable {
  public let codes: CodeMatrix

  /// 0 for an item without a suffix.
  public let suffixes: ContiguousArray<UInt16>

  /// Per row, ‖residual‖ after the last level, with the moved rows' new distances.
  public let distances: ContiguousArray<Float>

  /// Per row, whether the policy changed its last code.
  public let moved: ContiguousArray<Bool>

  /// The moved rows, ascending.
  public let moves: [CodeMove]

  public let report: CollisionReport
}

/// What a collision policy found and did.
public struct CollisionReport: Sendable, Equatable, Codable {
  public let policy: CollisionPolicy
  public let items: Int

  /// Rows whose published ID was left alone.
  public let fixedItems: Int

  /// How codes collided before and after, suffixes left out.
  public let before: BucketMetrics
  public let after: BucketMetrics

  /// Prefixes (all codes but the last) in which items were reassigned.
  public let touchedPrefixes: Int

  /// Of these, the prefixes too large for the exact assignment, resolved greedily.
  public let greedyPrefixes: Int

  /// Items whose last code changed.
  public let movedItems: Int

  /// Distance that moving added, over the moved items.
  public let totalDistanceAdded: Double
  public let meanDistanceAdded: Double
  public let largestDistanceAdded: Double

  /// Items that found no free code within the distance budget and fell back to a suffix.
  public let fallbackItems: Int

  /// Items, fixed or not, that have a suffix above 0.
  public let suffixedItems: Int

  /// Items that still share codes and suffix with another: all colliding items under `keep`, none otherwise unless
  /// fixed items share an ID that was published under `keep`.
  public let sharedIDItems: Int
}
