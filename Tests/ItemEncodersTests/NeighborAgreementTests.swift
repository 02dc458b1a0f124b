import ItemEncoders
import TensorMath
import TestSupport
import Testing

@Suite struct NeighborAgreementTests {
  @Test func countsNeighborsAndChanceByHand() {
    // Two pairs of near vectors; labels agree within the first pair only. The fifth item has no label.
    let vectors = Matrix(rows: 5, columns: 2, elements: [1, 0, 0.99, 0.1, 0, 1, 0.1, 0.99, 0.7, 0.7])
    let agreement = NeighborAgreement(
      vectors: vectors, labels: [0b01, 0b11, 0b01, 0b10, 0], isPresent: Array(repeating: true, count: 5), neighbors: 1)
    #expect(agreement.items == 4)
    #expect(agreement.sharing == 0.5 && agreement.jaccard == 0.25)
    #expect(agreement.chanceSharing == 8.0 / 12 && agreement.chanceJaccard == 5.0 / 12)
  }
}

/// Run with `swift test -c release --filter MovieLensTests` and the data in place to see the figures.
@Suite(.enabled(if: MovieLens.folder != nil, "MovieLens is not here; set TESSERA_DATA to the folder that holds it"))
struct MovieLensTests {
  @Test func nearestTextsAndPostersShareGenresMoreOftenThanChance() throws {
    let movies = try MovieLens(folder: MovieLens.folder!)
    let blind = try BuiltinTextEncoder.fit([movies.items]).encode(movies.items)
    let blindText = NeighborAgreement(vectors: blind.vectors, labels: movies.genres, isPresent: blind.isPresent)
    print("text without its genres sentence: \(blindText)")
    #expect(blindText.sharing > blindText.chanceSharing + 0.15)

    let seeing = try BuiltinTextEncoder.fit([movies.itemsWithGenres]).encode(movies.itemsWithGenres)
    let text = NeighborAgreement(vectors: seeing.vectors, labels: movies.genres, isPresent: seeing.isPresent)
    print("text with its genres sentence: \(text)")
    #expect(text.sharing > blindText.sharing + 0.1)

    let posters = BuiltinImageEncoder().encode(movies.items)
    let image = NeighborAgreement(vectors: posters.vectors, labels: movies.genres, isPresent: posters.isPresent)
    print("posters: \(image)")
    #expect(image.sharing > image.chanceSharing + 0.04 && image.items > 3000 && posters.failures.isEmpty)
  }
}
