import BehaviorAlignment
import ItemCatalog
import ItemEncoders
import PipelineEngine
import Quantizers
import Recommenders
import SemanticIDStore
import TableExport
import Testing

/// Every module's failures have the exit code that a script can act on.
@Suite struct ErrorWrappingTests {
  private func code(_ error: any Error) -> PipelineError.Code { PipelineError(wrapping: error).code }

  @Test(arguments: StoreError.Code.allCases) func failuresOfTheStore(code: StoreError.Code) {
    let expected: PipelineError.Code =
      switch code {
      case .notFound, .generationMissing: .inputMissing
      case .locked, .busy, .readersFull: .locked
      case .damaged, .unsupportedFormat, .invalidDraft: .invalidData
      case .diskFull, .mapFull, .permission: .cannotWrite
      case .verificationFailed, .badKey, .system: .internalFault
      }
    let wrapped = PipelineError(wrapping: StoreError(code, "what happened"))
    #expect(wrapped.code == expected && wrapped.message.contains("what happened"))
  }

  @Test(arguments: [
    (CatalogError.Code.inputMissing, PipelineError.Code.inputMissing), (.inputUnreadable, .inputMissing),
    (.badData, .invalidData), (.tooManyRejected, .invalidData), (.damagedTable, .invalidData),
    (.cannotWrite, .cannotWrite),
  ])
  func failuresOfTheCatalogue(code: CatalogError.Code, expected: PipelineError.Code) {
    #expect(self.code(CatalogError(code, "m")) == expected)
  }

  @Test(arguments: [
    (AlignmentError.Code.tooFewItems, PipelineError.Code.invalidData), (.invalidParameter, .invalidData),
    (.unreadableModel, .invalidData), (.unwritableModel, .cannotWrite), (.noInteractions, .invalidData),
    (.invalidWindow, .invalidData), (.noPairs, .invalidData), (.unreadablePairs, .invalidData),
    (.unwritablePairs, .cannotWrite), (.diverged, .invalidData), (.cancelled, .interrupted),
  ])
  func failuresOfAlignment(code: AlignmentError.Code, expected: PipelineError.Code) {
    #expect(self.code(AlignmentError(code, "m")) == expected)
  }

  @Test(arguments: [
    (RecommenderError.Code.invalidParameter, PipelineError.Code.invalidData), (.nothingToLearn, .invalidData),
    (.unknown, .inputMissing), (.unreadableModel, .invalidData), (.unwritableModel, .cannotWrite),
    (.otherGeneration, .invalidData), (.untrustedReward, .invalidData), (.diverged, .invalidData),
    (.cancelled, .interrupted),
  ])
  func failuresOfRecommenders(code: RecommenderError.Code, expected: PipelineError.Code) {
    #expect(self.code(RecommenderError(code, "m")) == expected)
  }

  @Test(arguments: [
    (EncoderError.Code.invalidTemplate, PipelineError.Code.invalidData), (.invalidParameter, .invalidData),
    (.unreadableEncoder, .invalidData), (.unwritableEncoder, .cannotWrite), (.workerFailed, .invalidData),
    (.workerTimeout, .invalidData), (.workerProtocol, .invalidData), (.cancelled, .interrupted),
  ])
  func failuresOfEncoders(code: EncoderError.Code, expected: PipelineError.Code) {
    #expect(self.code(EncoderError(code, "m")) == expected)
  }

  @Test(arguments: [
    (TableExportError.Code.cannotWrite, PipelineError.Code.cannotWrite), (.diskFull, .cannotWrite),
    (.cannotRead, .inputMissing), (.invalidRow, .internalFault), (.invalidFile, .invalidData),
    (.unsupported, .invalidData),
  ])
  func failuresOfTables(code: TableExportError.Code, expected: PipelineError.Code) {
    let wrapped = PipelineError(wrapping: TableExportError(code, path: "/tables/a.csv", "m"))
    #expect(wrapped.code == expected && wrapped.message.contains("/tables/a.csv"))
  }

  @Test func anErrorOfOursStaysAsItIsAndAStrangersIsAFault() {
    struct Strange: Error {}
    let own = PipelineError(.locked, "held")
    #expect(PipelineError(wrapping: own).message == "held" && code(own) == .locked && "\(own)" == "held")
    #expect(code(QuantizerError(.diverged, "m")) == .invalidData)
    #expect(code(Strange()) == .internalFault)
    #expect(PipelineError(wrapping: Strange()).message.contains("Strange"))
  }
}
