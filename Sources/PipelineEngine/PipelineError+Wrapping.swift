internal import BehaviorAlignment
internal import ItemCatalog
internal import ItemEncoders
internal import NeuralNetworks
internal import Quantizers
internal import Recommenders
internal import SemanticIDStore
internal import TableExport

extension PipelineError {
  /// Any module's error as one of ours: the one place that decides which failure has which exit code.
  public init(wrapping error: any Error) {
    switch error {
    case let error as PipelineError: self = error
    case let error as CatalogError: self.init(Self.code(of: error), error.message)
    case let error as StoreError: self.init(Self.code(of: error), error.message)
    case let error as TableExportError: self.init(Self.code(of: error), error.description)
    case let error as EncoderError:
      self.init(Self.code(of: error), error.message)
    case let error as AlignmentError:
      self.init(Self.code(of: error), error.message)
    case let error as RecommenderError:
      self.init(Self.code(of: error), error.message)
    case let error as QuantizerError: self.init(.invalidData, error.message)
    case let error as ImageError: self.init(.invalidData, "\(error)")
    default: self.init(.internalFault, "\(error)")
    }
  }

  private static func code(of error: CatalogError) -> Code {
    switch error.code {
    case .inputMissing, .inputUnreadable: .inputMissing
    case .badData, .tooManyRejected, .damagedTable: .invalidData
    case .cannotWrite: .cannotWrite
    }
  }

  private static func code(of error: AlignmentError) -> Code {
    switch error.code {
    case .unwritableModel, .unwritablePairs: .cannotWrite
    case .cancelled: .interrupted
    case .tooFewItems, .invalidParameter, .unreadableModel, .noInteractions, .invalidWindow, .noPairs, .diverged,
      .unreadablePairs, .unreadableCheckpoint:
      .invalidData
    }
  }

  private static func code(of error: RecommenderError) -> Code {
    switch error.code {
    case .unwritableModel: .cannotWrite
    case .cancelled: .interrupted
    case .unknown: .inputMissing
    case .invalidParameter, .nothingToLearn, .unreadableModel, .otherGeneration, .untrustedReward, .diverged:
      .invalidData
    }
  }

  private static func code(of error: EncoderError) -> Code {
    switch error.code {
    case .unwritableEncoder: .cannotWrite
    case .cancelled: .interrupted
    case .invalidTemplate, .invalidParameter, .unreadableEncoder, .workerFailed, .workerTimeout, .workerProtocol:
      .invalidData
    }
  }

  private static func code(of error: StoreError) -> Code {
    switch error.code {
    case .notFound, .generationMissing: .inputMissing
    case .locked, .busy, .readersFull: .locked
    case .damaged, .unsupportedFormat, .invalidDraft: .invalidData
    case .diskFull, .mapFull, .permission: .cannotWrite
    case .verificationFailed, .badKey, .system: .internalFault
    }
  }

  private static func code(of error: TableExportError) -> Code {
    switch error.code {
    case .cannotWrite, .diskFull: .cannotWrite
    case .cannotRead: .inputMissing
    case .invalidRow: .internalFault
    case .invalidFile, .unsupported: .invalidData
    }
  }
}
