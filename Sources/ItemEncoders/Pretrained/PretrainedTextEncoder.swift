internal import Foundation
public import ItemCatalog
internal import NeuralNetworks
public import TensorMath
internal import Tokenizers

/// A text encoder with pretrained weights, from a model folder in the layout of the Hugging Face hub: the BERT family
/// (MiniLM, BGE, GTE, E5, XLM-R) with sentence-transformers' pooling, or CLIP's text tower.
///
/// Sequences lie one behind the other without padding, a few hundred tokens to a thread at a time, so that memory does
/// not grow with the batch and a vector does not depend on the texts beside it.
public struct PretrainedTextEncoder: ItemEncoder {
  public var modality: Modality { .text }
  public var dimensions: Int { model.dimensions }
  public let fingerprint: String
  public let description: EncoderDescription

  let model: any TextModel
  private let tokenizer: Tokenizer
  private let template: TextTemplate
  /// Put before every text: "passage: " for E5.
  private let prefix: String
  private let isLowercased: Bool
  /// Tokens per text, special ones included; what is longer is cut.
  package let maximumLength: Int

  /// Tokens that go through the model together: their states stay in a core's second-level cache.
  private static let tokensPerGroup = 128
  /// Groups that share one scratch memory.
  private static let groupsPerTask = 8

  /// Loads a model folder.
  /// - Parameters:
  ///   - precision: of the model's products; f32 where the processor lacks it.
  ///   - tuned: weights that were fine-tuned from this encoder's, and take their place.
  /// - Throws: `unreadableEncoder`, which names the file, for an architecture, a tokenizer component or a pooling that
  ///   is unknown, for tensors that are missing, superfluous, of another shape or not finite, and for weights that were
  ///   tuned from another encoder.
  public init(
    folder: String, template: TextTemplate = .textOrTitle, prefix: String = "", precision: WeightPrecision = .single,
    tuned: TunedTextWeights? = nil
  ) throws(EncoderError) {
    let files = ModelFolder(path: folder)
    do {
      let layout = try SentenceTransformerLayout(files)
      model = try Self.model(files, layout.pooling, precision, tuned?.tensors ?? [])
      tokenizer = try Tokenizer(contentsOf: files.file("tokenizer.json"))
      maximumLength = min(model.maximumLength, layout.maximumLength ?? model.maximumLength)
      isLowercased = layout.isLowercased
      description = try files.description(precision)
      let own = try Self.fingerprint(folder: folder, template: template, prefix: prefix, precision: precision)
      try tuned?.require(base: own, folder: folder)
      fingerprint = tuned?.fingerprint ?? own
    } catch let error as NeuralNetworksError {
      throw EncoderError(.unreadableEncoder, error.message)
    } catch let error as TokenizerError {
      throw EncoderError(.unreadableEncoder, error.message)
    } catch let error as EncoderError {
      throw error
    } catch {
      throw EncoderError(.unreadableEncoder, "\(folder): \(error.localizedDescription)")
    }
    self.template = template
    self.prefix = prefix
  }

  /// The fingerprint of the encoder that ``init(folder:template:prefix:precision:)`` makes, without loading it.
  /// - Complexity: O(bytes of the model).
  public static func fingerprint(
    folder: String, template: TextTemplate = .textOrTitle, prefix: String = "", precision: WeightPrecision = .single
  ) throws(EncoderError) -> String {
    let files = ModelFolder(path: folder)
    let poolingFile: String
    do { poolingFile = try SentenceTransformerLayout(files).poolingFile } catch {
      throw EncoderError(.unreadableEncoder, error.message)
    }
    // Raise the number when this code's vectors change.
    return try files.fingerprint(
      kind: "tessera pretrained:text 1",
      parameters: [ModelFolder.identity(of: precision), template.description, prefix],
      files: ["config.json", "model.safetensors", "tokenizer.json"],
      optional: ["modules.json", "sentence_bert_config.json", poolingFile])
  }

  private static func model(
    _ files: ModelFolder, _ pooling: SequencePooling, _ precision: WeightPrecision, _ tuned: [NamedTensor]
  ) throws(NeuralNetworksError) -> any TextModel {
    let config = try files.config
    let type = try config.text("model_type")
    if BERTConfiguration.modelTypes.contains(type) {
      let checkpoint = try SafetensorsFile.read(files.checkpoint).replacing(tuned)
      let model = try BERTModel(
        BERTConfiguration(config), checkpoint: checkpoint, path: files.checkpoint, precision: precision)
      return PooledBERT(model, pooling: pooling)
    }
    guard CLIPTextConfiguration.modelTypes.contains(type) else {
      let known = BERTConfiguration.modelTypes + CLIPTextConfiguration.modelTypes
      throw config.failure("model_type", "\"\(type)\"", "one of \(known.joined(separator: ", "))")
    }
    return try CLIPTextModel(CLIPTextConfiguration(config), checkpoint: files.checkpoint, precision: precision)
  }

  /// Encodes a batch on all threads. An item whose text is blank is absent.
  public func encode(_ items: [Item]) throws(EncoderError) -> EncodedBatch {
    let sequences = sequences(of: items)
    let readable = sequences.indices.filter { !sequences[$0].isEmpty && isKnown(sequences[$0]) }
    let groups = grouped(readable, sequences)
    let vectors = Parallelism.mapChunks(of: groups.count, size: Self.groupsPerTask) { range in
      var scratch = model.makeScratch()
      return range.map { model.vectors(of: TextTokens(groups[$0].lazy.map { sequences[$0] }), &scratch) }
    }.flatMap { $0 }
    var batch = EncodedBatch(
      vectors: Matrix(rows: items.count, columns: dimensions), isPresent: Array(repeating: false, count: items.count))
    for (group, vectors) in zip(groups, vectors) {
      for (row, index) in group.enumerated() { store(vectors.row(row), of: items[index], at: index, in: &batch) }
    }
    for index in sequences.indices where !isKnown(sequences[index]) {
      batch.failures.append(
        EncodingFailure(index: index, reason: "tokenizer.json knows tokens that the model has no embedding of"))
    }
    batch.failures.sort { $0.index < $1.index }
    return batch
  }

  /// Token ids that the model reads of the items, on all threads; none for a blank text, and for one that
  /// ``encode(_:)`` fails on for its tokens.
  package func readableTokens(of items: [Item]) -> [[Int32]] {
    sequences(of: items).map { isKnown($0) ? $0 : [] }
  }

  private func sequences(of items: [Item]) -> [[Int32]] {
    let texts = items.map { template($0) }
    return Parallelism.mapChunks(of: texts.count, size: 16) { $0.map { tokens(of: texts[$0]) } }.flatMap { $0 }
  }

  /// Tokens that the model sees of the items, special ones included.
  package func tokenCount(of items: [Item]) -> Int {
    Parallelism.mapChunks(of: items.count, size: 16) { $0.reduce(0) { $0 + tokens(of: template(items[$1])).count } }
      .reduce(0, +)
  }

  /// Weights that every token is multiplied with.
  package var weightCount: Int { model.weightCount }

  /// Empty for a blank text.
  private func tokens(of text: String) -> [Int32] {
    guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else { return [] }
    return tokenizer.encode(prefix + (isLowercased ? text.lowercased() : text), maximumLength: maximumLength)
  }

  private func isKnown(_ sequence: [Int32]) -> Bool {
    sequence.allSatisfy { $0 >= 0 && Int($0) < model.vocabularySize }
  }

  /// Consecutive texts up to a group's tokens; a longer text is a group of its own.
  private func grouped(_ indices: [Int], _ sequences: [[Int32]]) -> [[Int]] {
    var groups: [[Int]] = []
    var tokens = Int.max
    for index in indices {
      let count = sequences[index].count
      if tokens > Self.tokensPerGroup - count {
        groups.append([])
        tokens = 0
      }
      groups[groups.count - 1].append(index)
      tokens += count
    }
    return groups
  }

  private func store(_ vector: ArraySlice<Float>, of item: Item, at index: Int, in batch: inout EncodedBatch) {
    let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    guard norm.isFinite, norm > 0 else {
      batch.failures.append(
        EncodingFailure(
          index: index, reason: "the model gives a vector of length \(norm); precision f32 has the larger range"))
      return
    }
    batch.isPresent[index] = true
    let start = index * dimensions
    for (offset, value) in vector.enumerated() { batch.vectors.elements[start + offset] = value / norm }
  }
}

/// What sentence-transformers' files beside the model say; their defaults where they are absent.
private struct SentenceTransformerLayout {
  var pooling = SequencePooling.mean
  /// Where the pooling is said, below the model's folder; the file may be absent.
  var poolingFile = "1_Pooling/config.json"
  var maximumLength: Int?
  var isLowercased = false

  init(_ files: ModelFolder) throws(NeuralNetworksError) {
    var poolingFolder = "1_Pooling"
    if files.has("modules.json") {
      for module in try ModelConfigurationFile.list(contentsOf: files.file("modules.json")) {
        let type = try module.text("type")
        switch type.split(separator: ".").last {
        case "Transformer", "Normalize", "CLIPModel": continue
        case "Pooling": poolingFolder = try module.text("path")
        default: throw module.failure("type", "\"\(type)\"", "Transformer, Pooling or Normalize")
        }
      }
    }
    let allowed = poolingFolder.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    guard allowed else {
      throw NeuralNetworksError(
        .malformedFile, "\(files.file("modules.json")): the path \"\(poolingFolder)\" leaves the model's folder")
    }
    poolingFile = "\(poolingFolder)/config.json"
    if files.has(poolingFile) {
      pooling = try SequencePooling(ModelConfigurationFile(contentsOf: files.file(poolingFile)))
    }
    if files.has("sentence_bert_config.json") {
      let config = try ModelConfigurationFile(contentsOf: files.file("sentence_bert_config.json"))
      if config.has("max_seq_length") { maximumLength = try config.integer("max_seq_length", 1...1_000_000) }
      isLowercased = try config.flag("do_lower_case", default: false)
    }
  }
}
