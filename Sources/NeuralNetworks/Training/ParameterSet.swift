public import TensorMath

/// A place in a ``ParameterSet``: what a layer keeps instead of its weights.
public struct Parameter: Sendable, Hashable {
  let index: Int
}

/// A model's parameters in the order in which its constructor asked for them, each with a dotted path as its name.
///
/// A value: a copy keeps the parameters as they are, and shares memory until one of the two changes.
public struct ParameterSet: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    /// As `encoder.layers.0.attention.output.weight`.
    public let name: String
    public internal(set) var value: Matrix
    /// Whether weight decay pulls it towards zero: matrices of products and tables, not biases and norms.
    public let decays: Bool
    /// Whether it gets a gradient. One that does not is saved and loaded all the same.
    public internal(set) var isTrainable: Bool
  }

  public private(set) var entries: [Entry] = []
  private var positions: [String: Int] = [:]

  public init() {}

  /// - Precondition: no other parameter has that name.
  mutating func append(_ entry: Entry) -> Parameter {
    precondition(positions[entry.name] == nil, "two parameters are named \(entry.name)")
    positions[entry.name] = entries.count
    entries.append(entry)
    return Parameter(index: entries.count - 1)
  }

  public subscript(parameter: Parameter) -> Matrix {
    get { entries[parameter.index].value }
    set {
      let old = entries[parameter.index].value
      precondition(
        newValue.rows == old.rows && newValue.columns == old.columns,
        "\(entries[parameter.index].name) is \(old.rows) × \(old.columns), not \(newValue.rows) × \(newValue.columns)")
      entries[parameter.index].value = newValue
    }
  }

  /// The parameter of that name, or nil.
  public func parameter(named name: String) -> Parameter? { positions[name].map(Parameter.init) }

  public func name(of parameter: Parameter) -> String { entries[parameter.index].name }

  /// Freezes or thaws what lies at or below a path: `text` covers `text` and `text.layers.0.weight`, not `texts`. The
  /// empty path covers all.
  /// - Returns: how many parameters that are.
  @discardableResult
  public mutating func setTrainable(_ isTrainable: Bool, below path: String) -> Int {
    var count = 0
    for index in entries.indices
    where path.isEmpty || entries[index].name == path || entries[index].name.hasPrefix(path + ".") {
      entries[index].isTrainable = isTrainable
      count += 1
    }
    return count
  }

  /// Numbers in all parameters, frozen ones included.
  public var elementCount: Int { entries.reduce(0) { $0 + $1.value.elements.count } }

  /// Lends one parameter for a change in place: not copied as long as nothing else holds it.
  mutating func update(_ index: Int, _ body: (inout Matrix) -> Void) { body(&entries[index].value) }
}
