import NeuralNetworks
import PipelineEngine
import Quantizers
import SemanticIDStore
import TensorMath
import TestSupport
import Testing

@Suite struct ItemSetFileTests {
  private func set(_ count: Int = 20) throws -> ItemSetFile {
    var random = RandomSource(seed: 1)
    return ItemSetFile(
      ids: IdentifierColumn((0..<count).map { "item-\($0)-é" }),
      codebook: try ItemSetCodebook(vectors: normalMatrix(count, 6, using: &random)))
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let set = try set(), bytes = try set.fileBytes()
    let read = try ItemSetFile(try SafetensorsFile(bytes: bytes))
    #expect(read.ids == set.ids && read.codebook.vectors == set.codebook.vectors)
    #expect(try read.fileBytes() == bytes)
  }

  @Test func refusesIdsThatDoNotFit() throws {
    let file = try SafetensorsFile(bytes: try set(2).fileBytes())
    func refuses(_ name: String, _ tensor: NamedTensor) -> Bool {
      do {
        let tensors = file.tensors.filter { $0.name != name } + [tensor]
        let bytes = try SafetensorsWriter.bytes(tensors, metadata: file.metadata)
        _ = try ItemSetFile(try SafetensorsFile(bytes: bytes))
        return false
      } catch { return true }
    }
    let length = UInt64(try file.tensor("ids").count)
    for ends in [[length], [0, length], [length, length], [length + 1, length], [1, length - 1], [1, 2, length]] {
      #expect(refuses("ends", NamedTensor(name: "ends", shape: [ends.count], integers: ends)), "\(ends)")
    }
    #expect(refuses("vectors", NamedTensor(name: "vectors", shape: [2, 1], floats: [1, .nan])))
    #expect(refuses("vectors", NamedTensor(name: "vectors", shape: [2], floats: [1, 2])))
    #expect(!refuses("ends", try file.tensor("ends")))
  }

  @Test func damagedFilesAreErrorsAndNeverTraps() throws {
    let bytes = try set().fileBytes()
    var random = RandomSource(seed: 2)
    for _ in 0..<10_000 {
      let hurt = damaged(bytes, using: &random)
      do {
        let read = try ItemSetFile(try SafetensorsFile(bytes: hurt))
        #expect(read.ids.count == read.codebook.count)
      } catch { #expect(error is PipelineError || error is NeuralNetworksError || error is QuantizerError) }
    }
  }
}
