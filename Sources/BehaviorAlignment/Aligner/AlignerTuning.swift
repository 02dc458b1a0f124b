internal import ItemCatalog
internal import ItemEncoders
internal import NeuralNetworks
internal import TensorMath

/// A text encoder that learns with an aligner, at a rate of its own.
struct AlignerTuning {
  /// Vectors of some of a batch's items, whose gradients go on to the encoder.
  struct Leaf {
    let vectors: Variable
    /// Places in the batch, and rows of the item table.
    let places: ContiguousArray<Int32>
    let rows: [Int]
  }

  /// Place of the modality in the aligner's configuration.
  let modality: Int
  private let name: String
  private let precision: WeightPrecision
  private var encoder: TextEncoderTuning
  private(set) var state: TrainingState

  /// - Throws: ``AlignmentError/Code/invalidParameter`` where the aligner has no texts, or of other vectors.
  init(_ encoder: TextEncoderTuning, _ training: AlignerTraining) throws(AlignmentError) {
    name = Modality.text.rawValue
    let modalities = training.configuration.modalities
    guard let place = modalities.firstIndex(where: { [name] in $0.name == name }),
      modalities[place].dimensions == encoder.dimensions
    else {
      throw AlignmentError(
        .invalidParameter,
        "align: an encoder of texts with \(encoder.dimensions) dimensions is to be tuned, but the aligner has no modality "
          + "\(name) of these; tune the encoder that the vectors are of")
    }
    modality = place
    precision = training.parameters.precision
    self.encoder = encoder
    let settings = training.parameters
    state = TrainingState(
      encoder.parameters, optimizer: AdamW(AdamW.Parameters(weightDecay: settings.weightDecay)),
      schedule: .warmupCosine(
        peak: settings.encoderRate, warmupSteps: settings.warmup, steps: settings.steps,
        floor: settings.encoderRate / 50), maximumNorm: settings.clip, random: RandomSource(seed: 0))
  }

  /// Of which weights learn: for what a checkpoint belongs to.
  var summary: String {
    ([encoder.fingerprint] + state.parameters.entries.filter(\.isTrainable).map(\.name)).joined(separator: " ")
  }

  /// Goes on from a state of the same encoder.
  mutating func resume(_ state: TrainingState) { self.state = state }

  /// Batches in which items whose text the encoder cannot read have none.
  func restricting(_ modalities: [ModalityBatch]) -> [ModalityBatch] {
    precondition(
      modalities.allSatisfy { $0.vectors.rows == encoder.count }, "\(encoder.count) texts for other items")
    return modalities.map { batch in
      guard batch.name == name else { return batch }
      return ModalityBatch(
        name: name, group: batch.group, vectors: batch.vectors,
        isPresent: batch.isPresent.enumerated().map { $1 && encoder.hasVector($0) })
    }
  }

  /// The vectors of a batch's items by the weights of now; nil where none has the modality.
  mutating func leaf(of items: [Int], where isPresent: [Bool], on tape: Tape) -> Leaf? {
    let places = items.indices.filter { isPresent[$0] }
    guard !places.isEmpty else { return nil }
    let rows = places.map { items[$0] }
    let vectors = tape.parameter(encoder.vectors(of: rows, by: state.parameters, precision: precision))
    return Leaf(vectors: vectors, places: ContiguousArray(places.map { Int32($0) }), rows: rows)
  }

  /// The gradients of the weights, from those of a leaf.
  mutating func gradients(_ leaf: Leaf, in gradients: Gradients) -> ParameterGradients? {
    guard let outer = gradients[leaf.vectors] else { return nil }
    return encoder.gradients(of: leaf.rows, outer: outer, by: state.parameters, precision: precision)
  }

  /// - Parameter norm: of all gradients, the aligner's included.
  mutating func update(with gradients: ParameterGradients, norm: Double) throws(NeuralNetworksError) {
    try state.update(with: gradients, norm: norm)
  }

  /// Batches with the vectors that the weights of now make; as they are before the first step.
  mutating func replacing(_ modalities: [ModalityBatch]) -> [ModalityBatch] {
    guard state.step > 0 else { return modalities }
    return modalities.map { batch in
      guard batch.name == name else { return batch }
      let rows = batch.isPresent.indices.filter { batch.isPresent[$0] }
      let made = encoder.vectors(of: rows, by: state.parameters, precision: precision)
      var vectors = Matrix(rows: batch.vectors.rows, columns: made.columns)
      for (place, row) in rows.enumerated() {
        vectors.elements.replaceSubrange(row * made.columns..<(row + 1) * made.columns, with: made.row(place))
      }
      return ModalityBatch(name: name, group: batch.group, vectors: vectors, isPresent: batch.isPresent)
    }
  }

  /// The encoder as training leaves it.
  /// - Parameter best: its weights at the best measurement; those of now where nil.
  mutating func finish(_ best: ParameterSet?, _ modalities: [ModalityBatch]) -> AlignerTraining.TunedEncoder {
    if let best { state.parameters = best }
    let batches = replacing(modalities).filter { $0.name == name }
    return AlignerTraining.TunedEncoder(weights: encoder.tuned(state.parameters), vectors: batches[0])
  }
}
