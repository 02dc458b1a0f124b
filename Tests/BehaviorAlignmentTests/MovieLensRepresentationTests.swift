import BehaviorAlignment
import Foundation
import ItemCatalog
import ItemEncoders
import TensorMath
import TestSupport
import Testing

/// Run with `swift test -c release --filter MovieLensRepresentationTests` and the data in place to see the figures.
@Suite(.enabled(if: MovieLens.folder != nil, "MovieLens is not here; set TESSERA_DATA to the folder that holds it"))
struct MovieLensRepresentationTests {
  @Test func nearestRepresentationsShareGenresMoreOftenThanChance() throws {
    let movies = try MovieLens(folder: MovieLens.folder!)
    let text = try BuiltinTextEncoder.fit([movies.items]).encode(movies.items)
    let image = BuiltinImageEncoder().encode(movies.items)
    let batches = [
      ModalityBatch(name: "text", vectors: text.vectors, isPresent: text.isPresent),
      ModalityBatch(name: "image", vectors: image.vectors, isPresent: image.isPresent),
    ]
    let everywhere = movies.items.map { _ in true }
    let x = try RepresentationModel.fit(batches).represent(batches)
    #expect(x.columns == 128)

    let all = NeighborAgreement(vectors: x, labels: movies.genres, isPresent: everywhere)
    print("representations, genres not in the text: \(all)")
    #expect(all.sharing > all.chanceSharing + 0.15)

    let withoutImage = NeighborAgreement(vectors: x, labels: movies.genres, isPresent: image.isPresent.map { !$0 })
    print("of those, movies without a poster among themselves: \(withoutImage)")
    #expect(withoutImage.items == 627 && withoutImage.sharing > withoutImage.chanceSharing)
  }
}

private let modelsFolder = ProcessInfo.processInfo.environment["TESSERA_MODELS"]

/// Run with `TESSERA_MODELS=models swift test -c release --filter MovieLensPretrainedTests` to see the figures.
@Suite(
  .enabled(
    if: MovieLens.folder != nil && modelsFolder != nil,
    "MovieLens or the models are not here; set TESSERA_DATA and TESSERA_MODELS"))
struct MovieLensPretrainedTests {
  private func agreement(
    _ name: String, _ movies: MovieLens, _ vectors: Matrix, _ isPresent: [Bool]
  ) -> NeighborAgreement {
    let agreement = NeighborAgreement(vectors: vectors, labels: movies.genres, isPresent: isPresent)
    print("pretrained \(name): \(agreement)")
    return agreement
  }

  @Test func pretrainedNeighborsShareGenresMoreOftenThanChance() throws {
    let (movies, models) = try (MovieLens(folder: MovieLens.folder!), modelsFolder!)
    let text = try PretrainedTextEncoder(folder: models + "/all-MiniLM-L6-v2").encode(movies.items)
    let image = try PretrainedImageEncoder(folder: models + "/efficientnet-lite0").encode(movies.items)
    let byText = agreement("text", movies, text.vectors, text.isPresent)
    let byImage = agreement("posters", movies, image.vectors, image.isPresent)
    let batches = [
      ModalityBatch(name: "text", vectors: text.vectors, isPresent: text.isPresent),
      ModalityBatch(name: "image", vectors: image.vectors, isPresent: image.isPresent),
    ]
    let both = try RepresentationModel.fit(batches).represent(batches)
    let byBoth = agreement("both", movies, both, movies.items.map { _ in true })
    let builtin = try BuiltinTextEncoder.fit([movies.items]).encode(movies.items)
    let before = agreement("text, built in", movies, builtin.vectors, builtin.isPresent)
    #expect(byText.sharing > byText.chanceSharing + 0.15)
    #expect(before.sharing > before.chanceSharing + 0.15)
    #expect(byImage.sharing > byImage.chanceSharing + 0.05)
    #expect(byBoth.sharing > byBoth.chanceSharing + 0.15)
  }
}
