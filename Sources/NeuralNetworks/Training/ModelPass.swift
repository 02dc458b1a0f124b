public import TensorMath

/// One pass of a model over a batch: a tape, and the parameters, put on it when a layer first asks for one.
///
///     let pass = ModelPass(training: parameters, using: &random)
///     let loss = model(batch, in: pass).softmaxCrossEntropy(targets: targets)
///     let gradients = pass.backward(from: loss)
///
/// ``backward(from:)`` lets go of the parameters, so that an optimizer changes them in place. It belongs to one thread.
public final class ModelPass {
  public let tape: Tape
  /// Whether dropout drops.
  public let isTraining: Bool
  /// What layers draw from.
  public var random: RandomSource
  /// What the mixtures of experts in the model have seen, in the order in which they ran.
  public private(set) var expertLoads: [ExpertLoad] = []

  private var parameters: ParameterSet?
  private var bound: [Variable?]

  /// A pass of a model on a tape that others use too.
  /// - Parameters:
  ///   - random: for the layers to draw from; taken to mean training where the tape records.
  ///   - dropsOut: false for gradients of what the model computes in use.
  public init(_ parameters: ParameterSet, on tape: Tape, random: RandomSource, dropsOut: Bool = true) {
    self.tape = tape
    isTraining = tape.isRecording && dropsOut
    self.random = random
    self.parameters = parameters
    bound = Array(repeating: nil, count: parameters.entries.count)
  }

  /// A pass that gives gradients.
  /// - Parameters:
  ///   - precision: of the factors of matrix products.
  ///   - random: drawn from once, however much the layers draw: the caller's place does not depend on the model.
  public convenience init(
    training parameters: ParameterSet, precision: WeightPrecision = .single, using random: inout RandomSource
  ) {
    self.init(parameters, on: Tape(precision: precision), random: RandomSource(seed: random.next()))
  }

  /// A pass that gives values only: nothing is kept for gradients, nothing is dropped.
  public convenience init(inferring parameters: ParameterSet, precision: WeightPrecision = .single) {
    self.init(parameters, on: Tape(isRecording: false, precision: precision), random: RandomSource(seed: 0))
  }

  /// A parameter's value on the tape; the same variable each time.
  public subscript(parameter: Parameter) -> Variable {
    guard let parameters else { preconditionFailure("a pass ends with its gradients; make another") }
    if let variable = bound[parameter.index] { return variable }
    let entry = parameters.entries[parameter.index]
    let variable = entry.isTrainable ? tape.parameter(entry.value) : tape.constant(entry.value)
    bound[parameter.index] = variable
    return variable
  }

  func record(_ load: ExpertLoad) { expertLoads.append(load) }

  /// The gradients of a 1 × 1 loss. Ends the pass.
  public func backward(from loss: Variable) -> ParameterGradients {
    let gradients = tape.backward(from: loss)
    var result = ParameterGradients(count: bound.count)
    for (index, variable) in bound.enumerated() {
      if let variable, let gradient = gradients[variable] { result.set(index, gradient) }
    }
    parameters = nil
    bound = []
    return result
  }
}
