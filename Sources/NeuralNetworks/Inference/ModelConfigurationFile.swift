package import Foundation
package import TensorMath

/// A model's `config.json` (or one of the files beside it), read with limits; every value is checked where it is asked
/// for, and errors name file and key.
package struct ModelConfigurationFile {
  private static let maximumBytes = 1 << 20

  package let path: String
  private let values: [String: Any]

  package init(contentsOf path: String) throws(NeuralNetworksError) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw NeuralNetworksError(.unreadableFile, "\(path): there is no such file, or it cannot be read")
    }
    try self.init(data, path: path)
  }

  package init(_ data: Data, path: String) throws(NeuralNetworksError) {
    guard data.count <= Self.maximumBytes else {
      throw NeuralNetworksError(
        .tooLarge, "\(path) has \(data.count) bytes, more than the \(Self.maximumBytes) allowed")
    }
    guard let object = try? JSONSerialization.jsonObject(with: data), let values = object as? [String: Any] else {
      throw NeuralNetworksError(.malformedFile, "\(path): a JSON object is expected")
    }
    self.path = path
    self.values = values
  }

  /// The objects of a file that holds a list of them, such as `modules.json`.
  package static func list(contentsOf path: String) throws(NeuralNetworksError) -> [ModelConfigurationFile] {
    guard let data = FileManager.default.contents(atPath: path), data.count <= maximumBytes,
      let list = try? JSONSerialization.jsonObject(with: data) as? [[String: Any]]
    else {
      throw NeuralNetworksError(.malformedFile, "\(path): a JSON list of objects is expected")
    }
    return list.enumerated().map { ModelConfigurationFile(path: "\(path), entry \($0 + 1)", values: $1) }
  }

  private init(path: String, values: [String: Any]) {
    self.path = path
    self.values = values
  }

  package func has(_ key: String) -> Bool { values[key] != nil && !(values[key] is NSNull) }

  package func section(_ key: String) throws(NeuralNetworksError) -> ModelConfigurationFile? {
    guard has(key) else { return nil }
    guard let inner = values[key] as? [String: Any] else { throw failure(key, "something else", "an object") }
    return ModelConfigurationFile(path: "\(path), \(key)", values: inner)
  }

  package func text(_ key: String, default standard: String? = nil) throws(NeuralNetworksError) -> String {
    guard has(key) else { return try required(key, standard, "a string") }
    guard let text = values[key] as? String else { throw failure(key, "something else", "a string") }
    return text
  }

  package func integer(
    _ key: String, _ range: ClosedRange<Int>, default standard: Int? = nil
  ) throws(NeuralNetworksError) -> Int {
    guard has(key) else { return try required(key, standard, "an integer") }
    guard let number = values[key] as? NSNumber, let exact = Int(exactly: number.doubleValue), range.contains(exact)
    else {
      throw failure(
        key, "\(values[key].map { "\($0)" } ?? "null")", "an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return exact
  }

  package func number(_ key: String, default standard: Double? = nil) throws(NeuralNetworksError) -> Double {
    guard has(key) else { return try required(key, standard, "a number") }
    guard let number = values[key] as? NSNumber, number.doubleValue.isFinite else {
      throw failure(key, "something else", "a number")
    }
    return number.doubleValue
  }

  package func numbers(_ key: String) throws(NeuralNetworksError) -> [Double] {
    guard has(key) else { throw failure(key, "missing", "a list of numbers") }
    guard let list = values[key] as? [NSNumber], list.allSatisfy({ $0.doubleValue.isFinite }) else {
      throw failure(key, "something else", "a list of numbers")
    }
    return list.map(\.doubleValue)
  }

  package func flag(_ key: String, default standard: Bool) throws(NeuralNetworksError) -> Bool {
    guard has(key) else { return standard }
    guard let number = values[key] as? NSNumber else { throw failure(key, "something else", "true or false") }
    return number.boolValue
  }

  /// An activation by the name that transformers gives it.
  package func activation(_ key: String) throws(NeuralNetworksError) -> Activation {
    switch try text(key, default: "gelu") {
    case "gelu": .gelu
    case "quick_gelu": .quickGELU
    case "relu": .relu
    case "relu6": .relu6
    case let other: throw failure(key, "\"\(other)\"", "gelu, quick_gelu, relu or relu6")
    }
  }

  package func failure(_ key: String, _ found: String, _ expected: String) -> NeuralNetworksError {
    NeuralNetworksError(.unsupportedModel, "\(path): \"\(key)\" is \(found); \(expected) is expected")
  }

  private func required<Value>(
    _ key: String, _ standard: Value?, _ expected: String
  ) throws(NeuralNetworksError) -> Value {
    guard let standard else { throw failure(key, "missing", expected) }
    return standard
  }
}
