/// What an item can be seen through.
public enum Modality: String, Sendable, CaseIterable, Codable {
  case text
  case image
}

/// One value of an item's flat attribute object.
public enum AttributeValue: Sendable, Hashable {
  case string(String)
  case number(Double)
  case boolean(Bool)
}

extension AttributeValue: CustomStringConvertible {
  /// The value as a text template shows it: whole numbers without a fraction, booleans as `true` and `false`.
  public var description: String {
    switch self {
    case .string(let text): text
    case .number(let number):
      if let whole = Int64(exactly: number) { String(whole) } else { String(number) }
    case .boolean(let flag): flag ? "true" : "false"
    }
  }
}

/// One validated record of the catalogue.
public struct Item: Sendable, Hashable {
  /// 1 to 255 bytes of UTF-8 without control characters, unique in its table.
  public var id: String
  /// Empty when the record has none.
  public var title: String
  /// Empty when the record has none.
  public var text: String
  /// The image's path as the record gives it, also when the file is missing.
  public var image: String?
  /// The image's absolute path; nil when the item has no image or its file was missing or unusable.
  public var imagePath: String?
  public var attributes: [String: AttributeValue]
  /// As the record gives it; kept, never interpreted.
  public var updatedAt: String?

  public init(
    id: String, title: String = "", text: String = "", image: String? = nil, imagePath: String? = nil,
    attributes: [String: AttributeValue] = [:], updatedAt: String? = nil
  ) {
    self.id = id
    self.title = title
    self.text = text
    self.image = image
    self.imagePath = imagePath
    self.attributes = attributes
    self.updatedAt = updatedAt
  }
}
