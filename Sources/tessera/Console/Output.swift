internal import Foundation

/// Standard output carries figures, standard error everything else.
enum Output {
  static func figures(_ text: String) {
    FileHandle.standardOutput.write(Data((text.hasSuffix("\n") ? text : text + "\n").utf8))
  }

  static func error(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }

  /// A value as indented JSON with sorted keys, so that two outputs can be compared.
  static func json(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    figures(String(decoding: try encoder.encode(value), as: UTF8.self))
  }

  /// A value as one line of JSON.
  static func jsonLine(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    figures(String(decoding: try encoder.encode(value), as: UTF8.self))
  }
}
