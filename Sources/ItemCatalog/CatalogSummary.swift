/// What building an item table, or reading interactions, met.
public struct CatalogSummary: Sendable, Hashable {
  public struct ReasonCount: Sendable, Hashable {
    public let reason: RejectedRecord.Reason
    public let severity: RejectedRecord.Severity
    public let count: Int
  }

  /// Items in the table.
  public internal(set) var items = 0
  /// Records left out.
  public internal(set) var rejected = 0
  /// Records kept without a part of them, such as a missing image.
  public internal(set) var warnings = 0
  public internal(set) var withText = 0
  public internal(set) var withImage = 0
  /// Bytes of records read, after decompression.
  public internal(set) var bytes = 0
  /// Image files whose bytes were read and hashed.
  public internal(set) var imagesHashed = 0
  /// Image files whose hash came from the previous table because nothing about them changed.
  public internal(set) var imagesReused = 0
  /// The item files read, absolute, in order.
  public internal(set) var files: [String] = []
  /// How often each reason came up, in the order of ``RejectedRecord/Reason``.
  public internal(set) var reasons: [ReasonCount] = []
  /// The first few rejections and warnings, for messages.
  public internal(set) var examples: [RejectedRecord] = []
  /// SHA-256 over all ids and content hashes, in row order.
  public internal(set) var digest = ""
  /// See ``CatalogBuilder/sourceSignature(of:previous:)``.
  public internal(set) var sourceSignature = ""

  /// The share of records that were left out; 0 for an empty catalogue.
  public var rejectedFraction: Double {
    items + rejected == 0 ? 0 : Double(rejected) / Double(items + rejected)
  }

  /// Throws ``CatalogError/Code/tooManyRejected`` when more than `maximum` of the records were left out.
  ///
  /// - Parameter rejectedPath: where the rejected records are listed, for the message.
  public func requireRejectedFraction(atMost maximum: Double, rejectedPath: String) throws(CatalogError) {
    guard rejectedFraction > maximum else { return }
    let example = examples.first { $0.severity == .error }.map { " The first: \($0)." } ?? ""
    throw CatalogError(
      .tooManyRejected,
      "\(rejected) of \(items + rejected) records were rejected, more than maxRejectedFraction \(maximum) allows."
        + example + " All are listed in \(rejectedPath). Repair the records or raise maxRejectedFraction.")
  }
}
