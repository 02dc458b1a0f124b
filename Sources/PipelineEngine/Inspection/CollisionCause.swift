/// Why an item shares its codes with others, the most telling first.
public enum CollisionCause: String, Sendable, CaseIterable, Codable {
  /// Another item of the bucket has the same text and image.
  case equalContent

  /// Another has the same text, and another or no image.
  case equalText

  /// Another has the same image, and another or no text.
  case equalImage

  /// Another is nearly the same: its representation lies very near, or its words are mostly the same.
  case nearDuplicate

  /// The items differ: the codebooks are too coarse to tell them apart.
  case coarseCodebook

  /// What it means, for people.
  public var explanation: String {
    switch self {
    case .equalContent: "equal text and image"
    case .equalText: "equal text"
    case .equalImage: "equal image"
    case .nearDuplicate: "near duplicates"
    case .coarseCodebook: "codebook too coarse"
    }
  }
}

/// How many items each cause explains.
public struct CauseCounts: Sendable, Equatable, Codable {
  public var equalContent = 0
  public var equalText = 0
  public var equalImage = 0
  public var nearDuplicate = 0
  public var coarseCodebook = 0

  public init() {}

  public subscript(cause: CollisionCause) -> Int {
    switch cause {
    case .equalContent: equalContent
    case .equalText: equalText
    case .equalImage: equalImage
    case .nearDuplicate: nearDuplicate
    case .coarseCodebook: coarseCodebook
    }
  }

  mutating func count(_ cause: CollisionCause, items: Int = 1) {
    switch cause {
    case .equalContent: equalContent += items
    case .equalText: equalText += items
    case .equalImage: equalImage += items
    case .nearDuplicate: nearDuplicate += items
    case .coarseCodebook: coarseCodebook += items
    }
  }

  /// The cause of most items, the more telling where two tie; nil without items.
  public var most: CollisionCause? {
    var best: CollisionCause?
    for cause in CollisionCause.allCases where self[cause] > (best.map { self[$0] } ?? 0) { best = cause }
    return best
  }
}
