import BehaviorAlignment
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
