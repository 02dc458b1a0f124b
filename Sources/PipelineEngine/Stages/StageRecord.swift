internal import Foundation

/// What a stage found, kept as JSON beside its files for the report and for commands.
protocol StageRecord: Codable {}

extension StageRecord {
  private static var maximumBytes: Int { 16 << 20 }

  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    try FileSystem.write(String(decoding: try encoder.encode(self), as: UTF8.self), to: path)
  }

  /// Nil where the stage did not run on this machine, or the file cannot be read: what shows it then leaves it out.
  static func read(_ path: String) -> Self? {
    guard let bytes = try? FileSystem.readSmallFile(path, limit: maximumBytes, what: "stage's record") else {
      return nil
    }
    return try? JSONDecoder().decode(Self.self, from: Data(bytes))
  }
}
