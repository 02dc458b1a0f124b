/// What a sample catalogue looks like. Equal parameters give byte-identical files.
public struct SampleParameters: Sendable, Hashable, Codable {
  /// Items of the first night.
  public var items = 600
  /// Users in the interactions.
  public var users = 2_000
  public var seed: UInt64 = 1
  /// 1 writes the catalogue as it is on the first night, n as it is n − 1 days later.
  public var night = 1
  /// False leaves the pictures out: items have text only.
  public var images = true
  /// Mean interactions of a user over the first night's thirty days.
  public var interactionsPerUser = 12.0
  /// Interactions of each later day, as a share of the first night's.
  public var dailyInteractionFraction = 0.03
  /// Share of the first night's items whose title, text or picture changes each later night.
  public var changedFraction = 0.01
  /// Share of the first night's items that join each later night.
  public var addedFraction = 0.005
  /// Share of the first night's items that leave each later night.
  public var removedFraction = 0.002
  /// Share of items without a picture.
  public var withoutImageFraction = 0.04
  /// Share of items with a picture but without title and text.
  public var withoutTextFraction = 0.03
  /// Share of items that nearly repeat an earlier one: its picture recompressed, its text slightly edited.
  public var nearDuplicateFraction = 0.04
  /// Share of items that nobody has touched yet.
  public var coldFraction = 0.05
  /// Share of items described in Arabic; the others are in English.
  public var arabicFraction = 0.3
  /// Columns and rows of a picture.
  public var imageSide = 160
  /// Deliberately bad records and pictures, appended to show how a run copes with them.
  public var faults = 0

  public init() {}
}
