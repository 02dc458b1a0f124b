internal import Foundation

/// A configuration as JSON in which equal configurations read alike.
/// - Parameter value: of finite numbers, texts, and lists of them: nothing that JSON lacks.
func sortedJSON(_ value: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = .sortedKeys
  return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
}
