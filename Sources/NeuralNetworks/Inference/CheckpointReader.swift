package import TensorMath

/// Takes the tensors of a checkpoint one by one for a model that states what it needs: each must be there, of its
/// shape, with finite elements; and what nobody took is an error, because a model that leaves weights out is another
/// model.
package struct CheckpointReader {
  private let file: SafetensorsFile
  private let path: String
  /// Put before every name: checkpoints of a larger model keep the encoder under one.
  private let prefix: String
  private var taken: Set<String> = []

  /// - Parameter prefixes: the first under which the file has tensors is used; none is the last resort.
  package init(contentsOf path: String, prefixes: [String] = []) throws(NeuralNetworksError) {
    self.init(try SafetensorsFile.read(path), path: path, prefixes: prefixes)
  }

  package init(_ file: SafetensorsFile, path: String, prefixes: [String] = []) {
    self.file = file
    self.path = path
    prefix = Self.prefix(of: file, among: prefixes)
  }

  /// The first of some prefixes under which a file has tensors; none is the last resort.
  static func prefix(of file: SafetensorsFile, among prefixes: [String]) -> String {
    prefixes.first { prefix in file.tensors.contains { $0.name.hasPrefix(prefix) } } ?? ""
  }

  package func has(_ name: String) -> Bool { file.tensors.contains { $0.name == prefix + name } }

  package mutating func vector(_ name: String, count: Int) throws(NeuralNetworksError) -> ContiguousArray<Float> {
    try floats(name, shape: [count])
  }

  /// Any shape, flattened.
  package mutating func floats(_ name: String, shape: [Int]) throws(NeuralNetworksError) -> ContiguousArray<Float> {
    let tensor: NamedTensor
    do { tensor = try file.tensor(prefix + name) } catch { throw located(error) }
    taken.insert(tensor.name)
    guard tensor.shape == shape else {
      throw NeuralNetworksError(
        .unexpectedTensor,
        "\(path): tensor \"\(tensor.name)\" has shape \(tensor.shape), but config.json asks for \(shape); "
          + "the two files are of different models")
    }
    let floats: ContiguousArray<Float>
    do { floats = try tensor.floats() } catch { throw located(error) }
    guard floats.allSatisfy(\.isFinite) else {
      throw NeuralNetworksError(
        .unexpectedTensor, "\(path): tensor \"\(tensor.name)\" holds a NaN or an infinity; fetch the model again")
    }
    return floats
  }

  package mutating func matrix(_ name: String, rows: Int, columns: Int) throws(NeuralNetworksError) -> Matrix {
    Matrix(rows: rows, columns: columns, elements: try floats(name, shape: [rows, columns]))
  }

  /// A convolution over images, `outputs × 3 × kernel × kernel` in the file, as a product of windows that lie row by row
  /// with each pixel's channels together: `outputs × (3 · kernel²)`.
  package mutating func convolution(
    _ name: String, outputs: Int, kernel: Int
  ) throws(NeuralNetworksError) -> Matrix {
    let weights = try floats(name + ".weight", shape: [outputs, 3, kernel, kernel]), taps = kernel * kernel
    var rows = Matrix(rows: outputs, columns: taps * 3)
    for output in 0..<outputs {
      for color in 0..<3 {
        for tap in 0..<taps { rows[output, tap * 3 + color] = weights[(output * 3 + color) * taps + tap] }
      }
    }
    return rows
  }

  /// `name.weight` and `name.bias` of a layer normalization.
  package mutating func layerNormalization(
    _ name: String, width: Int, epsilon: Float
  ) throws(NeuralNetworksError) -> LayerNormalization {
    LayerNormalization(
      scale: try vector(name + ".weight", count: width), shift: try vector(name + ".bias", count: width),
      epsilon: epsilon)
  }

  /// `name.weight` (`outputs × inputs`) and `name.bias`; several names are laid side by side into one product.
  package mutating func linear(
    _ names: String..., inputs: Int, outputs: Int, hasBias: Bool = true, precision: WeightPrecision
  ) throws(NeuralNetworksError) -> LinearLayer {
    var weights: ContiguousArray<Float> = []
    var bias: ContiguousArray<Float> = []
    for name in names {
      weights += try floats(name + ".weight", shape: [outputs, inputs])
      if hasBias { bias += try vector(name + ".bias", count: outputs) }
    }
    let all = Matrix(rows: outputs * names.count, columns: inputs, elements: weights)
    return LinearLayer(
      weights: PackedMatrix(transposing: all, precision: precision), bias: hasBias ? bias : nil)
  }

  /// Refuses a file with tensors that nobody took, other than those whose name contains one of `known`: heads of the
  /// model's own training, which an encoder has no use for.
  package func finish(ignoring known: [String]) throws(NeuralNetworksError) {
    let left = file.tensors.map(\.name).filter { name in
      !taken.contains(name) && !known.contains { name.contains($0) }
    }
    guard let first = left.first else { return }
    throw NeuralNetworksError(
      .unexpectedTensor,
      "\(path): \(left.count) tensors are not part of the architecture that config.json names, first \"\(first)\"")
  }

  private func located(_ error: NeuralNetworksError) -> NeuralNetworksError {
    NeuralNetworksError(error.code, "\(path): \(error.message)")
  }
}

/// `x · Wᵀ + b`.
package struct LinearLayer: Sendable {
  package let weights: PackedMatrix
  package let bias: ContiguousArray<Float>?

  package init(weights: PackedMatrix, bias: ContiguousArray<Float>?) {
    self.weights = weights
    self.bias = bias
  }

  package var inputs: Int { weights.rows }
  package var outputs: Int { weights.columns }

  /// `y = activation(x · Wᵀ + b)` for `rows` rows, on the calling thread.
  package func apply(
    _ x: UnsafePointer<Float>, rows: Int, activation: Activation = .identity, into y: UnsafeMutablePointer<Float>
  ) {
    unsafe weights.product(x, rows: rows, bias: bias, activation: activation, into: y)
  }
}
