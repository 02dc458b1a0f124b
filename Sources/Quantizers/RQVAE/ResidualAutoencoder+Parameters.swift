public import TensorMath

extension ResidualAutoencoder {
  public struct Parameters: Sendable, Equatable {
    /// Centroids per level, 1 to 65,536 each.
    public var sizes: [Int]

    /// Widths of the encoder's hidden layers; the decoder mirrors them. None by default: on whitened representations a
    /// linear encoder loses no more than one with a hidden layer, and trains in a tenth of the time.
    public var hidden: [Int]

    /// Elements of the latent vector that is quantised. Zero: no encoder and no decoder, the vectors themselves.
    public var latentDimensions: Int

    /// How the gradient passes the choice of centroids. Straight through by default: on real catalogues it loses a little
    /// less than the rotation.
    public var estimator: QuantizationEstimator

    /// Weight of the commitment term, which keeps latent vectors near their centroids (van den Oord et al., 2017).
    public var commitment: Float

    /// Of the running means that the centroids are: the share that a batch leaves standing. Centroids follow the latent
    /// vectors this way rather than by a loss of their own; they need no learning rate then, and a restart no
    /// optimizer state.
    public var centroidDecay: Double

    /// Weight of the pair term: the squared distance between the quantised vectors of two items that behaviour ties.
    public var pairWeight: Float

    /// Passes over the training rows, at most.
    public var epochs: Int

    /// Passes at the end in which the encoder stands still: centroids are fitted to all its latent vectors, and the decoder
    /// learns what these centroids mean.
    public var settlingEpochs: Int

    /// Epochs without a lower held-out error after which training stops.
    public var patience: Int

    public var batchSize: Int

    /// Highest learning rate of AdamW, reached after the first twentieth of the steps; a cosine brings it down.
    public var learningRate: Float

    public var weightDecay: Float

    /// Share of the rows that training never sees, on which the best epoch is chosen.
    public var heldOutShare: Double

    /// Seeds everything that is drawn.
    public var seed: UInt64

    /// Train on at most this many rows, drawn without replacement.
    public var sampleLimit: Int

    public init(
      sizes: [Int] = [256, 256, 256, 256], hidden: [Int] = [], latentDimensions: Int = 128,
      estimator: QuantizationEstimator = .straightThrough, commitment: Float = 0.25, centroidDecay: Double = 0.95,
      pairWeight: Float = 0, epochs: Int = 60, settlingEpochs: Int = 10, patience: Int = 10, batchSize: Int = 256,
      learningRate: Float = 1e-3, weightDecay: Float = 0.01, heldOutShare: Double = 0.05, seed: UInt64 = 1,
      sampleLimit: Int = 262_144
    ) {
      self.sizes = sizes
      self.hidden = hidden
      self.latentDimensions = latentDimensions
      self.estimator = estimator
      self.commitment = commitment
      self.centroidDecay = centroidDecay
      self.pairWeight = pairWeight
      self.epochs = epochs
      self.settlingEpochs = settlingEpochs
      self.patience = patience
      self.batchSize = batchSize
      self.learningRate = learningRate
      self.weightDecay = weightDecay
      self.heldOutShare = heldOutShare
      self.seed = seed
      self.sampleLimit = sampleLimit
    }

    func shape(dimensions: Int) -> AutoencoderShape {
      latentDimensions == 0
        ? AutoencoderShape(identityOf: dimensions)
        : AutoencoderShape(dimensions: dimensions, hidden: hidden, latentDimensions: latentDimensions)
    }

    func validate() throws(QuantizerError) {
      let checks: [(Bool, String)] = [
        (!sizes.isEmpty && sizes.allSatisfy { (1...Codebook.maximumSize).contains($0) }, "codebook sizes \(sizes)"),
        (latentDimensions >= 0 && latentDimensions <= 65_536, "\(latentDimensions) latent dimensions"),
        (hidden.count <= 8 && hidden.allSatisfy { (1...65_536).contains($0) }, "hidden widths \(hidden)"),
        (latentDimensions > 0 || hidden.isEmpty, "hidden layers without latent dimensions"),
        (commitment >= 0 && commitment.isFinite, "a commitment of \(commitment)"),
        (pairWeight >= 0 && pairWeight.isFinite, "a pair weight of \(pairWeight)"),
        ((0..<1).contains(centroidDecay), "a centroid decay of \(centroidDecay)"),
        (
          epochs > 0 && settlingEpochs >= 0 && patience > 0,
          "\(epochs) + \(settlingEpochs) epochs, patience \(patience)"
        ),
        (batchSize > 0, "batches of \(batchSize)"),
        (learningRate > 0 && learningRate.isFinite, "a learning rate of \(learningRate)"),
        (weightDecay >= 0 && weightDecay.isFinite, "a weight decay of \(weightDecay)"),
        ((0...0.5).contains(heldOutShare), "a held-out share of \(heldOutShare)"),
        (sampleLimit > 0, "a sample of \(sampleLimit) rows"),
      ]
      if let found = checks.first(where: { !$0.0 })?.1 {
        throw QuantizerError(.invalidParameters, "\(found) cannot be trained with")
      }
    }
  }

  /// What one epoch did.
  public struct EpochStatistics: Sendable, Equatable, Codable {
    /// How one level's codes were used by the training rows.
    public struct Level: Sendable, Equatable, Codable {
      public let utilization: Double
      /// In nats.
      public let entropy: Double
      /// Dead codes that got a residual of the last batch instead.
      public let restarted: Int

      public init(utilization: Double, entropy: Double, restarted: Int) {
        self.utilization = utilization
        self.entropy = entropy
        self.restarted = restarted
      }
    }

    /// From 0; settling epochs count on.
    public let epoch: Int
    public let isSettling: Bool

    /// Mean of `‖x − decoded‖²` over the training rows, while the weights moved.
    public let trainingError: Double

    /// The same over the held-out rows after the epoch, by the serving rule; over the training rows where none are held
    /// out.
    public let heldOutError: Double

    /// Mean over the training rows of the commitment term, its weight left out, per latent dimension.
    public let commitment: Double

    /// Mean of the squared distance between the quantised vectors of pairs, per latent dimension; nil without pairs.
    public let pairDistance: Double?
    public let levels: [Level]

    public init(
      epoch: Int, isSettling: Bool, trainingError: Double, heldOutError: Double, commitment: Double,
      pairDistance: Double?, levels: [Level]
    ) {
      self.epoch = epoch
      self.isSettling = isSettling
      self.trainingError = trainingError
      self.heldOutError = heldOutError
      self.commitment = commitment
      self.pairDistance = pairDistance
      self.levels = levels
    }
  }

  /// A trained quantiser and how it came about.
  public struct TrainingResult: Sendable {
    public let quantizer: ResidualAutoencoder

    /// One entry per epoch, in order.
    public let epochs: [EpochStatistics]

    /// The epoch whose weights and codebooks the quantiser has.
    public let bestEpoch: Int

    /// Rows that were trained on, held-out ones left out.
    public let sampleCount: Int
  }
}
