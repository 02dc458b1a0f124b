public import TensorMath

/// Where a layer's constructor gets its parameters: one that initializes them or one that loads them, so that one
/// constructor serves training and loading, as candle's `VarBuilder` does.
///
///     let scope = ParameterScope(initializingWith: RandomSource(seed: 1))
///     let layer = try Linear(scope["head"], inputs: 64, outputs: 10)
///     var parameters = try scope.finish()      // head.weight, head.bias
///
/// Scopes made from one another fill the same set. They belong to one thread.
public struct ParameterScope {
  private let source: ParameterSource
  private let path: String

  /// A parameter's numbers come from a generator of its own, made of one draw and the parameter's name: a layer that is
  /// added leaves all others as they would be.
  public init(initializingWith random: RandomSource) {
    var random = random
    source = ParameterSource(.seed(random.next()))
    path = ""
  }

  /// Takes parameters from a file, checked against the shapes that the layers ask for.
  /// - Parameter prefix: stands before every parameter's name in the file.
  public init(loading file: SafetensorsFile, prefix: String = "") {
    source = ParameterSource(.file(file, prefix: prefix))
    path = ""
  }

  private init(_ source: ParameterSource, _ path: String) {
    self.source = source
    self.path = path
  }

  /// The scope of a part.
  public subscript(name: String) -> ParameterScope {
    ParameterScope(source, path.isEmpty ? name : path + "." + name)
  }

  /// The scope of one of several equal parts.
  public subscript(name: String, index: Int) -> ParameterScope { self[name]["\(index)"] }

  /// Makes or loads a parameter.
  /// - Parameters:
  ///   - inputs: for the initializer; the columns where nil.
  ///   - decays: whether weight decay applies.
  /// - Throws: ``NeuralNetworksError`` where a file lacks it or has it in another shape.
  public func parameter(
    _ name: String, rows: Int, columns: Int, initializer: Initializer, inputs: Int? = nil, decays: Bool = true,
    isTrainable: Bool = true
  ) throws(NeuralNetworksError) -> Parameter {
    let name = self[name].path
    let value = try source.origin.value(
      name, rows: rows, columns: columns, initializer: initializer, inputs: inputs)
    return source.parameters.append(
      ParameterSet.Entry(name: name, value: value, decays: decays, isTrainable: isTrainable))
  }

  /// The parameters that all scopes made from one another asked for.
  /// - Parameter isPart: whether the model is a part of the one in the file, which then may have more of them.
  /// - Throws: ``NeuralNetworksError`` where the file has more of them: it belongs to another model.
  public func finish(isPart: Bool = false) throws(NeuralNetworksError) -> ParameterSet {
    guard case .file(let file, let prefix) = source.origin, !isPart else { return source.parameters }
    for tensor in file.tensors where tensor.name.hasPrefix(prefix) {
      let name = String(tensor.name.dropFirst(prefix.count))
      guard source.parameters.parameter(named: name) != nil else {
        throw NeuralNetworksError(
          .unexpectedTensor,
          "the file has a parameter \"\(name)\" that the model lacks; build the model with the configuration that it "
            + "was saved with")
      }
    }
    return source.parameters
  }
}

private final class ParameterSource {
  enum Origin {
    case seed(UInt64)
    case file(SafetensorsFile, prefix: String)
  }

  let origin: Origin
  var parameters = ParameterSet()

  init(_ origin: Origin) { self.origin = origin }
}

extension ParameterSource.Origin {
  func value(
    _ name: String, rows: Int, columns: Int, initializer: Initializer, inputs: Int?
  ) throws(NeuralNetworksError) -> Matrix {
    switch self {
    case .seed(let seed):
      var random = RandomSource(seed: seed, stream: hash(name))
      return initializer.matrix(rows: rows, columns: columns, inputs: inputs, using: &random)
    case .file(let file, let prefix):
      let tensor = try file.tensor(prefix + name)
      // A row may be stored as a vector.
      if rows == 1, tensor.shape == [columns] {
        return Matrix(rows: 1, columns: columns, elements: try tensor.vector(count: columns))
      }
      return try tensor.matrix(rows: rows, columns: columns)
    }
  }

  /// FNV-1a: the same on every run and machine, as Swift's own hashes are not.
  private func hash(_ name: String) -> UInt64 {
    name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
