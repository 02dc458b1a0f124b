internal import Foundation

/// One figure of the run, with the parent generation's where there is one.
public struct ReportFigure: Sendable, Equatable, Codable {
  /// How a value is written.
  public enum Kind: String, Sendable, Codable {
    /// A whole number.
    case count
    /// A share from 0 to 1, written in percent.
    case percent
    /// A real number, written with four decimals, fewer from ten on.
    case decimal
    case seconds
    case bytes
  }

  /// Which direction is an improvement.
  public enum Preference: String, Sendable, Codable {
    case higher, lower, neither
  }

  public var key: String
  public var title: String
  public var kind: Kind
  public var preference: Preference
  public var value: Double
  /// The parent generation's value.
  public var previous: Double?
  public var isHeadline: Bool
  /// What the figure says, in a sentence for a newcomer.
  public var explanation: String

  public init(
    key: String, title: String, kind: Kind, preference: Preference = .neither, value: Double, previous: Double? = nil,
    isHeadline: Bool = false, explanation: String
  ) {
    self.key = key
    self.title = title
    self.kind = kind
    self.preference = preference
    self.value = value
    self.previous = previous
    self.isHeadline = isHeadline
    self.explanation = explanation
  }
}

extension ReportFigure {
  /// The figures that most runs have. Use these keys, so that a figure is called the same in every report.
  public enum Known: String, Sendable, CaseIterable {
    case items, uniqueSemanticIDs, collisionRate, churn, utilization, entropy, reconstructionError, rejectedRecords
    case addedItems, changedItems, removedItems, movedItems, itemsWithoutText, itemsWithoutImage,
      itemsNewerThanCodebooks
    case largestBucket, duplicateRate, neighborAgreement, totalSeconds, peakMemory
  }

  /// A known figure. Its title, unit, and direction come with it.
  public init(_ known: Known, _ value: Double, previous: Double? = nil) {
    let template = Self.template(known)
    self.init(
      key: known.rawValue, title: template.title, kind: template.kind, preference: template.preference, value: value,
      previous: previous, isHeadline: template.isHeadline, explanation: template.explanation)
  }

  private struct Template {
    let title: String
    let kind: Kind
    let preference: Preference
    let isHeadline: Bool
    let explanation: String

    init(_ title: String, _ kind: Kind, _ preference: Preference, headline: Bool = false, _ explanation: String) {
      self.title = title
      self.kind = kind
      self.preference = preference
      isHeadline = headline
      self.explanation = explanation
    }
  }

  private static func template(_ known: Known) -> Template {
    switch known {
    case .items: Template("Items", .count, .neither, headline: true, "Items that have a semantic ID.")
    case .uniqueSemanticIDs:
      Template("Unique semantic IDs", .count, .higher, headline: true, "Different semantic IDs, suffixes included.")
    case .collisionRate:
      Template("Collision rate", .percent, .lower, headline: true, "Items whose codes another item has too.")
    case .churn:
      Template(
        "Churn", .percent, .lower, headline: true, "Items in both generations whose semantic ID is another now.")
    case .utilization:
      Template("Code utilization", .percent, .higher, headline: true, "Codes of all levels that some item has.")
    case .entropy:
      Template("Code entropy", .decimal, .higher, headline: true, "Mean over levels, in nats; more is more even use.")
    case .reconstructionError:
      Template(
        "Reconstruction error", .decimal, .lower, headline: true,
        "Mean squared distance of items to their decoded codes.")
    case .rejectedRecords:
      Template("Rejected records", .count, .lower, headline: true, "Records of the catalog that were left out.")
    default: detailTemplate(known)
    }
  }

  private static func detailTemplate(_ known: Known) -> Template {
    switch known {
    case .addedItems: Template("New items", .count, .neither, "Items that the parent generation does not have.")
    case .changedItems: Template("Changed items", .count, .neither, "Items whose content changed.")
    case .removedItems: Template("Removed items", .count, .neither, "Items that only the parent generation has.")
    case .movedItems: Template("Moved items", .count, .lower, "Items that the collision policy gave another code.")
    case .itemsWithoutText: Template("Items without text", .count, .lower, "Encoded by their image alone.")
    case .itemsWithoutImage: Template("Items without image", .count, .lower, "Encoded by their text alone.")
    case .itemsNewerThanCodebooks:
      Template("Items newer than the codebooks", .count, .neither, "Items that came after the codebooks were trained.")
    case .largestBucket: Template("Largest bucket", .count, .lower, "Items of the fullest bucket.")
    case .duplicateRate:
      Template("Duplicate rate", .percent, .lower, "1 − unique codes / items: what would have to move.")
    case .neighborAgreement:
      Template("Neighbor agreement", .percent, .higher, "Nearest items that share the first code.")
    case .totalSeconds: Template("Run time", .seconds, .lower, "From start to publication.")
    default: Template("Peak memory", .bytes, .lower, "The most memory that the process held.")
    }
  }
}

extension ReportFigure.Kind {
  /// A value as the page shows it, the same on every machine. `tools/checks/check_report.py` writes it the same way.
  public func text(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    switch self {
    case .count: return grouped(value)
    case .percent: return String(format: "%.2f%%", value * 100)
    case .decimal: return String(format: abs(value) >= 100 ? "%.1f" : abs(value) >= 10 ? "%.2f" : "%.4f", value)
    case .seconds: return ProgressLine.duration(value)
    case .bytes: return size(value)
    }
  }

  /// A difference with its sign, in percentage points where the values are shares.
  func change(from previous: Double, to value: Double) -> String {
    let difference = value - previous
    let magnitude = self == .percent ? String(format: "%.2f pp", abs(difference) * 100) : text(abs(difference))
    let zero = self == .percent ? String(format: "%.2f pp", 0.0) : text(0)
    return magnitude == zero ? "±0" : (difference < 0 ? "−" : "+") + magnitude
  }

  private func grouped(_ value: Double) -> String {
    let digits = String(format: "%.0f", abs(value))
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { result += "," }
      result.append(digit)
    }
    return value < 0 ? "-" + result : result
  }

  private func size(_ bytes: Double) -> String {
    if bytes < 1_024 { return String(format: "%.0f B", bytes) }
    if bytes < 1_048_576 { return String(format: "%.1f KiB", bytes / 1_024) }
    if bytes < 1_073_741_824 { return String(format: "%.1f MiB", bytes / 1_048_576) }
    return String(format: "%.2f GiB", bytes / 1_073_741_824)
  }
}
